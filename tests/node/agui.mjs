// Apply a stream of AG-UI events with the stock client, and print the messages and the state it leads to.
//
// Run as `node agui.mjs URL REVISION`. The client verifies the order of the events; ends once the state has
// that revision, or the stream ends.

import { defaultApplyEvents, parseSSEStream, runHttpRequest, verifyEvents } from "@ag-ui/client";
import { lastValueFrom, takeWhile, tap } from "rxjs";

const [url, revision] = process.argv.slice(2);
const warnings = [];
console.warn = (...words) => warnings.push(words.join(" "));

const input = { threadId: "t", runId: "r", messages: [], state: {}, tools: [], context: [], forwardedProps: {} };
const agent = { messages: [], state: {} };
const seen = {};
let messages = [];
let state = {};

const events = parseSSEStream(runHttpRequest(() => fetch(url))).pipe(
  tap((event) => (seen[event.type] = (seen[event.type] ?? 0) + 1)),
  verifyEvents(false),
);
await lastValueFrom(
  defaultApplyEvents(input, events, agent, []).pipe(
    tap((mutation) => {
      if (mutation.messages !== undefined) messages = mutation.messages;
      if (mutation.state !== undefined) state = mutation.state;
    }),
    takeWhile(() => state.revision !== Number(revision)),
  ),
  { defaultValue: null },
);
process.stdout.write(JSON.stringify({ messages, state, seen, warnings }), () => process.exit(0));
