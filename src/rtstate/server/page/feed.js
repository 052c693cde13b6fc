/** A conversation's document, kept up to date: a snapshot, then patches, across broken connections. */

import { ApiError, conversationPath, request } from "./api.js";
import { applyPatch, PatchError } from "./patch.js";
import { readEvents } from "./sse.js";

const FIRST_WAIT = 400; // ms; doubled for each attempt that failed
const LONGEST_WAIT = 10_000;
const SILENCE = 40_000; // the server says something every 15 s
const FINAL = new Set([400, 401, 403, 404, 410]); // asking again would change nothing

/**
 * @typedef {{kind: "connecting" | "live" | "waiting" | "gone" | "refused", message?: string,
 *            status?: number, seconds?: number}} State
 * @typedef {object} Told
 * @property {(document: any, another: boolean) => void} snapshot a document to start from; it is changed in place from
 *   then on; `another`: it is of another conversation, which has the name by now
 * @property {(operations: any[], document: any) => void} patch it has changed
 * @property {(state: State) => void} state how the connection is
 */

/**
 * Follow a conversation until it is stopped.
 * @param {string} id
 * @param {Told} told
 * @param {{rate?: number}} options
 * @returns {{stop: () => void, retry: () => void}}
 */
export function follow(id, told, { rate = 30 } = {}) {
  let document = null;
  let place = ""; // the id of the last event
  let failures = 0;
  let stopped = false;
  let connection = null;
  let wake = () => {};

  function take({ type, data, id }) {
    failures = 0;
    if (type === "snapshot") {
      document = JSON.parse(data);
      told.snapshot(document, place !== "" && birthIn(place) !== birthIn(id));
    } else if (type === "patch") {
      takePatch(JSON.parse(data));
    } else if (type === "gone") {
      stop();
      told.state({ kind: "gone", message: messageIn(data) });
    }
    place = id;
  }

  function takePatch({ since, revision, patch }) {
    if (document !== null && revision <= document.revision) return; // told twice
    if (document === null || (since !== null && since !== document.revision)) {
      throw new PatchError(`the changes go on from ${since}`);
    }
    document = applyPatch(document, patch);
    if (document.revision !== revision) throw new PatchError(`it should be revision ${revision}`);
    told.patch(patch, document);
  }

  async function connect() {
    const controller = new AbortController();
    let silence;
    connection = controller;
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(() => controller.abort(), SILENCE);
    };
    alive();
    try {
      const headers = { Accept: "text/event-stream" };
      if (document !== null) headers["Last-Event-ID"] = place;
      const path = conversationPath(id, `/changes?patch=append&rate=${rate}`);
      const response = await request(path, { headers, signal: controller.signal });
      if (stopped) return;
      told.state({ kind: "live" });
      await readEvents(response.body, (event) => stopped || take(event), alive);
    } finally {
      clearTimeout(silence);
      controller.abort();
    }
  }

  async function run() {
    while (!stopped) {
      if (failures === 0) told.state({ kind: "connecting" });
      await seen();
      if (stopped) return;
      try {
        await connect();
      } catch (error) {
        if (stopped) return;
        if (error instanceof PatchError) document = null; // a snapshot then
        else if (error instanceof ApiError && FINAL.has(error.status)) return refused(error);
      }
      if (stopped) return;
      if (!window.document.hidden) await pause();
    }
  }

  /** Wait until the tab is looked at. */
  async function seen() {
    while (window.document.hidden && !stopped) await new Promise((resolve) => (wake = resolve));
  }

  /** A tab that nobody sees follows nothing: a browser has six connections to a server, for all its tabs. */
  function looked() {
    if (window.document.hidden) connection?.abort();
    else retry();
  }

  function refused(error) {
    stopped = true;
    const gone = error.status === 404 || error.status === 410;
    told.state({ kind: gone ? "gone" : "refused", message: error.message, status: error.status });
  }

  /** Wait longer each time, and never all pages at the same moment. */
  async function pause() {
    const wait = Math.min(FIRST_WAIT * 2 ** failures, LONGEST_WAIT) * (0.5 + Math.random() / 2);
    failures += 1;
    told.state({ kind: "waiting", seconds: wait / 1000 });
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function stop() {
    stopped = true;
    window.removeEventListener("online", retry);
    window.document.removeEventListener("visibilitychange", looked);
    connection?.abort();
    wake();
  }

  function retry() {
    failures = 0;
    wake();
  }

  window.addEventListener("online", retry);
  window.document.addEventListener("visibilitychange", looked);
  run();
  return { stop, retry };
}

/** When a conversation began, as the id of an event tells it. */
function birthIn(place) {
  return place.split(".")[1] ?? "";
}

function messageIn(data) {
  try {
    return JSON.parse(data).message ?? "";
  } catch {
    return data;
  }
}
