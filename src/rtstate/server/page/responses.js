/** The Responses tab: each answer of the model, how it ended, how quickly it came, and what it took. */

import { ApiError, conversationPath, getJson } from "./api.js";
import { arrange, byId, make, setAttribute, setText } from "./dom.js";
import { count, milliseconds, shortId } from "./format.js";

/** Make the tab; `goTo(item)` shows an item in the conversation. */
export function makeResponses({ goTo }) {
  const body = byId("response-rows");
  const empty = byId("no-responses");
  const summary = byId("latency");
  let rows = new Map();
  let latency = new Map();
  let timed = null;
  let asking = false;

  function clear() {
    rows = new Map();
    latency = new Map();
    timed = null;
    body.replaceChildren();
    summary.textContent = "";
    body.closest("table").hidden = true;
    empty.hidden = false;
  }

  function render({ id, document }) {
    const responses = Object.values(document.responses);
    for (const known of rows.keys()) if (!Object.hasOwn(document.responses, known)) rows.delete(known);
    const nodes = responses.map((response) => {
      let row = rows.get(response.id);
      if (!row) rows.set(response.id, (row = makeRow(response, goTo)));
      row.update(response, latency.get(response.id));
      return row.node;
    });
    arrange(body, nodes);
    empty.hidden = responses.length > 0;
    body.closest("table").hidden = responses.length === 0;
    const ended = responses.filter(({ status }) => status !== "in_progress").length;
    const key = `${id} ${responses.length} ${ended}`;
    if (key !== timed && !asking) askTiming(id, document, key);
  }

  /** How quickly an answer came the server knows: it has the times of the events. */
  async function askTiming(id, document, key) {
    asking = true;
    timed = key;
    try {
      const timing = await getJson(conversationPath(id, "/timing"));
      if (timed !== key) return; // another conversation meanwhile
      latency = byResponse(timing, document);
      const half = timing.first_audio ?? timing.first_text;
      const kind = timing.first_audio ? "audio" : "text";
      const told = half ? `First ${kind} after ${ms(half.p50)} in half of the turns, ${ms(half.p90)} in 9 of 10.` : "";
      setText(summary, told || (timing.missing?.[0] ? `No latency: ${timing.missing[0]}.` : ""));
      for (const [each, row] of rows) row.time(latency.get(each));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    } finally {
      asking = false;
    }
  }

  return { render, clear };
}

const ms = (seconds) => milliseconds(seconds * 1000);

/** The first response of a turn is what the user waited for. */
function byResponse({ turns = [] }, document) {
  const found = new Map();
  for (const turn of turns) {
    const wait = turn.first_audio ?? turn.first_text;
    const first = document.items[turn.answer_ids?.[0]]?.response_id;
    if (first && typeof wait === "number") found.set(first, wait);
  }
  return found;
}

function makeRow({ id }, goTo) {
  const show = make("button", { class: "link", type: "button", title: `${id}: show what it said` }, shortId(id));
  const status = make("span", { class: "status" });
  const wait = make("td", { class: "number" });
  const taken = make("td", { class: "number" });
  const given = make("td", { class: "number" });
  const reason = make("td", { class: "reason" });
  const node = make("tr", {}, make("td", {}, show), make("td", {}, status), wait, taken, given, reason);
  let output = [];
  show.addEventListener("click", () => output.some((item) => goTo(item)));

  function time(seconds) {
    setText(wait, seconds === undefined ? "–" : milliseconds(seconds * 1000));
  }

  function update(response, seconds) {
    output = response.output;
    setText(status, String(response.status ?? "–").replace("_", " "));
    setAttribute(status, "data-status", response.status);
    setText(taken, count(response.usage?.input_tokens));
    setText(given, count(response.usage?.output_tokens));
    setText(reason, reasonOf(response));
    time(seconds);
  }
  return { node, update, time };
}

/** Why it did not end well, or what else is special about it. */
function reasonOf({ status_details: details, out_of_band: aside }) {
  const error = details?.error;
  const why = [details?.reason, error?.code ?? error?.type, error?.message].filter(Boolean).join(": ");
  return [why.replaceAll("_", " "), aside ? "out of band" : ""].filter(Boolean).join(", ");
}
