/** The Events tab: what came, in order; what each event changed, and its raw JSON on demand. */

import { ApiError, conversationPath, getJson } from "./api.js";
import { byId, make, setAttribute, setText, throttled } from "./dom.js";
import { fold } from "./folding.js";
import { bytes, clock, count, cut } from "./format.js";
import { block } from "./json.js";
import { operationList } from "./operations.js";

const PAGE = 200;
const EVERY = 500; // ms between two looks for more
const FOLDED = 200; // events of a run that are listed one by one

/** Make the tab. */
export function makeEvents() {
  const list = byId("event-rows");
  const typeBox = byId("event-type");
  const textBox = byId("event-text");
  const earlier = byId("earlier");
  const note = byId("event-note");
  let id = null;
  let known = [];
  let runs = [];
  let rows = new Map();
  let types = new Set();
  let bounds = { first: 1, last: 0 };
  let looking = false;
  let seen = null;

  const filterSoon = throttled(() => showAll(), 100);
  typeBox.addEventListener("input", filterSoon);
  textBox.addEventListener("input", filterSoon);
  earlier.addEventListener("click", loadEarlier);
  const lookSoon = throttled(look, EVERY);
  stayAtEnd(list.parentElement, list);

  function clear() {
    id = null;
    known = [];
    runs = [];
    rows = new Map();
    types = new Set();
    seen = null;
    list.replaceChildren();
    byId("event-types").replaceChildren();
    earlier.hidden = true;
    note.textContent = "";
  }

  function render(shown) {
    if (shown.id !== id) {
      clear();
      id = shown.id;
    }
    if (shown.latest !== seen) lookSoon();
    seen = shown.latest;
  }

  /** Fetch what came since the last look; the first time, the end. */
  async function look() {
    if (looking || id === null) return;
    looking = true;
    const asked = id;
    try {
      if (known.length === 0) await loadEnd(asked);
      else await loadLater(asked);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      seen = null; // with what comes next, or once the server is back
      if (asked === id) setText(note, error.message);
    } finally {
      looking = false;
      if (asked !== id) lookSoon();
    }
  }

  async function page(asked, query) {
    const answer = await getJson(conversationPath(asked, `/events?limit=${PAGE}${query}`));
    bounds = { first: answer.first, last: answer.last };
    return asked === id ? answer.events : null;
  }

  async function loadEnd(asked) {
    const { last } = await getJson(conversationPath(asked, "/events?limit=1"));
    const events = await page(asked, `&before=${last + 1}`);
    if (events) add(events);
  }

  async function loadLater(asked) {
    for (;;) {
      const events = await page(asked, `&after=${known.at(-1).seq}`);
      if (!events) return;
      add(events);
      if (events.length < PAGE) return;
    }
  }

  async function loadEarlier() {
    const asked = id;
    earlier.disabled = true;
    try {
      const events = await page(asked, `&before=${known[0].seq}`);
      if (!events) return;
      known = [...events, ...known];
      showAll();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(note, error.message);
    } finally {
      earlier.disabled = false;
    }
  }

  function add(events) {
    known.push(...events);
    const passes = filter();
    for (const event of events) if (passes(event)) put(event);
    finish();
  }

  function showAll() {
    runs = [];
    rows = new Map();
    list.replaceChildren();
    const passes = filter();
    for (const event of known) if (passes(event)) put(event);
    finish();
  }

  function put(event) {
    const run = fold(runs, event);
    let row = rows.get(run);
    if (!row) {
      rows.set(run, (row = makeRow(run, id)));
      list.append(row.node);
    }
    row.dirty = true;
  }

  function finish() {
    for (const row of rows.values()) if (row.dirty) row.update();
    const before = types.size;
    for (const { type } of known) types.add(type ?? "no type");
    if (types.size !== before) {
      byId("event-types").replaceChildren(...[...types].sort().map((value) => make("option", { value })));
    }
    earlier.hidden = known.length === 0 || known[0].seq <= bounds.first;
    const trimmed = bounds.first > 1 ? `; ${count(bounds.first - 1)} before were trimmed` : "";
    const found = typeBox.value || textBox.value ? `${count(matching())} of ` : "";
    setText(note, known.length ? `${found}${count(known.length)} of ${count(bounds.last)} events${trimmed}` : "");
  }

  const matching = () => runs.reduce((all, run) => all + run.events.length, 0);

  function filter() {
    const type = typeBox.value.trim().toLowerCase();
    const text = textBox.value.trim().toLowerCase();
    return (event) => {
      if (type && !(event.type ?? "no type").toLowerCase().includes(type)) return false;
      return !text || searchable(event).includes(text);
    };
  }

  return { render, clear };
}

/** Keep the end in sight while it is: as more comes, and as rows turn out to be higher than was thought. */
function stayAtEnd(panel, content) {
  let atEnd = true;
  panel.addEventListener("scroll", () => {
    atEnd = panel.scrollHeight - panel.scrollTop - panel.clientHeight < 60;
  }, { passive: true });
  panel.addEventListener("click", () => (atEnd = false), { capture: true }); // what is opened stays where it is
  new ResizeObserver(() => {
    if (atEnd && content.offsetParent !== null) panel.scrollTop = panel.scrollHeight;
  }).observe(content);
}

const SEARCHED = new WeakMap();

function searchable(event) {
  let text = SEARCHED.get(event);
  if (text === undefined) {
    text = JSON.stringify([event.type, event.event_id, event.patch, event.anomalies]).toLowerCase();
    SEARCHED.set(event, text);
  }
  return text;
}

function makeRow(run, id) {
  const seq = make("span", { class: "seq" });
  const family = make("span", { class: "family" });
  const kind = make("span", { class: "kind" });
  const type = make("span", { class: "type" }, family, kind);
  const times = make("span", { class: "times", hidden: true });
  const facts = make("span", { class: "facts" });
  const head = make("summary", {}, seq, type, times, facts);
  const inside = make("div", { class: "inside" });
  const details = make("details", {}, head, inside);
  const node = make("li", { "data-odd": run.odd }, details);
  let filled = 0;

  details.addEventListener("toggle", fill);

  function fill() {
    if (!details.open || filled === run.events.length) return;
    filled = run.events.length;
    if (filled === 1) inside.replaceChildren(...detailsOf(run.events[0], id));
    else inside.replaceChildren(members(run, id));
  }

  const row = { node, dirty: true, update };
  function update() {
    row.dirty = false;
    const [first] = run.events;
    const many = run.events.length;
    setText(seq, String(first.seq));
    const others = run.types.size > 1 ? ` + ${run.types.size - 1}` : "";
    const [before, last] = divided(first.type ?? "no type");
    setText(family, before);
    setText(kind, `${last}${others}`);
    times.hidden = many === 1;
    setText(times, `×${many}`);
    setText(facts, factsOf(run));
    setAttribute(head, "title", [...run.types].join(", "));
    fill();
  }
  return row;
}

/** The last two words of a type tell most: what comes before may be cut where there is no room. */
function divided(type) {
  const words = type.split(".");
  const before = words.slice(0, -2).map((word) => `${word}.`).join("");
  return [before, type.slice(before.length)];
}

function factsOf({ events, odd }) {
  if (odd) return events[0].anomalies.map(({ kind }) => String(kind).replaceAll("_", " ")).join(", ");
  const changes = events.reduce((all, { patch }) => all + (patch?.length ?? 0), 0);
  return changes ? `${count(changes)} op${changes === 1 ? "" : "s"}` : "–";
}

function members(run, id) {
  const shown = run.events.slice(-FOLDED);
  const hidden = run.events.length - shown.length;
  const each = shown.map((event) => makeMember(event, id));
  const before = hidden ? make("li", { class: "aside" }, `${count(hidden)} before these`) : null;
  return make("ol", { class: "members" }, before, ...each);
}

function makeMember(event, id) {
  const text = (event.patch ?? []).map(({ value }) => (typeof value === "string" ? value : "")).join("");
  const inside = make("div", { class: "inside" });
  const head = make(
    "summary",
    {},
    make("span", { class: "seq" }, String(event.seq)),
    make("span", { class: "type" }, text ? JSON.stringify(cut(text, 60)) : String(event.type)),
  );
  const details = make("details", {}, head, inside);
  details.addEventListener("toggle", () => {
    if (details.open && !inside.firstChild) inside.append(...detailsOf(event, id));
  });
  return make("li", {}, details);
}

/** All about one event: when it came, what was odd, what it changed, and on demand what it was. */
function detailsOf(event, id) {
  const when = event.at > 1e8 ? clock(event.at) : typeof event.at === "number" ? `at ${event.at.toFixed(3)} s` : "";
  const told = [event.type, when, bytes(event.bytes), `revision ${event.revision}`, event.event_id ?? ""];
  const raw = make("details", { class: "raw" }, make("summary", {}, "Raw JSON"));
  raw.addEventListener("toggle", () => raw.open && raw.children.length === 1 && showRaw(raw, event, id));
  const odd = (event.anomalies ?? []).map(({ kind, message }) =>
    make("p", { class: "anomaly" }, make("strong", {}, String(kind).replaceAll("_", " ")), ` ${message}`),
  );
  return [make("p", { class: "aside" }, told.filter(Boolean).join(" · ")), ...odd, operationList(event.patch ?? []), raw];
}

async function showRaw(node, { seq }, id) {
  const waiting = make("p", { class: "aside" }, "…");
  node.append(waiting);
  try {
    const path = conversationPath(id, `/events?after=${seq - 1}&limit=1&raw=1`);
    const { events } = await getJson(path);
    waiting.replaceWith(block("raw event", events[0].event));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    waiting.textContent = error.message;
  }
}
