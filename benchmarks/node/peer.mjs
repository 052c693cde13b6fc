// Reduce a session with a peer of JavaScript's, a round each time it is asked, and say how long that took.
//
// Run as `node --expose-gc peer.mjs PEER FOLDER`; FOLDER is where the peers' packages are. The first line of
// standard input holds {"lines": [...], "seconds": ...}: events as text, and how long to warm up, so that what
// is hot is compiled. Answers with {"items": ..., "text": ...}, what the peer then knows. Each further line is answered by the microseconds of processor time that one more round took, user and
// system: JSON.parse and the peer's own entry point, for each event, into a conversation of its own.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [name, folder] = process.argv.slice(2);
const { resolve } = createRequire(`${folder}/package.json`);
const load = (path) => import(pathToFileURL(path));

/** Each returns what handles a line, and what then tells the number of items and the last one's text. */
const PEERS = {
  /** The TypeScript port of the reference reducer; its client passes it only what it has processors for. */
  "openai-realtime-api": async () => {
    const { RealtimeConversation } = await load(resolve("openai-realtime-api"));
    return () => {
      const conversation = new RealtimeConversation();
      return {
        handle(line) {
          const event = JSON.parse(line);
          if (event.type in conversation.EventProcessors) conversation.processEvent(event);
        },
        told() {
          const items = conversation.getItems();
          const { formatted } = items.at(-1);
          return { items: items.length, text: formatted.text || formatted.transcript };
        },
      };
    };
  },
  /** The session as it is, on a stand-in for its socket; it parses the JSON itself, and more than once. */
  "@openai/agents-realtime": async () => {
    const { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } = await load(
      resolve("@openai/agents-realtime"),
    );
    return async () => {
      const listeners = {};
      const socket = {
        addEventListener: (event, listener) => ((listeners[event] ??= []).push(listener)),
        send() {},
        close() {},
      };
      const transport = new OpenAIRealtimeWebSocket({
        createWebSocket: async () => socket,
        skipOpenEventListeners: true,
      });
      const session = new RealtimeSession(new RealtimeAgent({ name: "benchmark" }), { transport });
      session.on("error", ({ error }) => {
        throw error;
      });
      await session.connect({ apiKey: "none" });
      return {
        handle(data) {
          for (const listener of listeners.message) listener({ data });
        },
        told() {
          const { content } = session.history.at(-1);
          return { items: session.history.length, text: content[0].text ?? content[0].transcript };
        },
      };
    };
  },
};

async function round({ lines }) {
  const { handle, told } = await begin();
  globalThis.gc();
  const started = process.cpuUsage();
  for (const line of lines) handle(line);
  const { user, system } = process.cpuUsage(started);
  return { microseconds: user + system, told: told() };
}

const begin = await PEERS[name]();
let session;
for await (const line of createInterface({ input: process.stdin })) {
  if (session === undefined) {
    session = JSON.parse(line);
    const until = performance.now() + session.seconds * 1000;
    while (performance.now() < until) await round(session);
    console.log(JSON.stringify((await round(session)).told));
  } else {
    console.log((await round(session)).microseconds);
  }
}
