/** The conversations on the left: newest first, looked for again and again, and filtered by name. */

import { ApiError, getJson } from "./api.js";
import { arrange, byId, make, setAttribute, setText } from "./dom.js";
import { ago, count, plural } from "./format.js";

const EVERY = 2500; // ms between two looks
const MOST = 5000; // are listed; others are opened by their names

/**
 * Make the list. `choose(id)` is called when one is picked, `listed(conversations, asked)` when they were told, the
 * newest first, `failed(error)` when the server would not tell, with null once it does again.
 */
export function makeList({ choose, listed, failed }) {
  const list = byId("conversations");
  const filter = byId("filter");
  const empty = byId("none");
  const more = byId("more");
  const another = byId("another");
  const number = byId("conversation-count");
  const rows = new Map();
  let known = [];
  let total = 0;
  let chosen = null;
  let timer = null;
  let looking = false;

  filter.addEventListener("input", show);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") (list.querySelector("a") ?? another).click();
    if (event.key === "ArrowDown") list.querySelector("a")?.focus();
  });
  document.addEventListener("visibilitychange", () => document.hidden || look());

  async function look() {
    if (looking) return;
    looking = true;
    clearTimeout(timer);
    const began = performance.now();
    try {
      ({ conversations: known, total } = await getJson(`conversations?order=newest&limit=${MOST}`));
      failed(null);
      show();
      listed(known, began);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed(error);
    } finally {
      looking = false;
      const took = performance.now() - began;
      if (!document.hidden) timer = setTimeout(look, Math.max(EVERY, 10 * took));
    }
  }

  function show() {
    const wanted = filter.value.trim().toLowerCase();
    const shown = known.filter(({ id }) => id.toLowerCase().includes(wanted));
    for (const id of rows.keys()) if (!known.some((each) => each.id === id)) rows.delete(id);
    arrange(list, shown.map((each) => rowOf(each).node));
    setText(number, known.length ? count(total) : "");
    empty.hidden = shown.length > 0;
    list.hidden = shown.length === 0;
    setText(empty, known.length ? "No name holds that text." : "No conversations yet.");
    showMore(filter.value.trim());
  }

  /** Where there are more than are listed, say so, and lead to the one whose name was typed. */
  function showMore(name) {
    more.hidden = total <= known.length;
    another.hidden = more.hidden || name === "" || known.some((each) => each.id === name);
    setText(byId("how-many"), `These are the newest ${count(known.length)} of ${count(total)}.`);
    setText(another, another.hidden ? "" : `Open “${name}”`);
    setAttribute(another, "href", another.hidden ? null : `#/c/${encodeURIComponent(name)}`);
    byId("how").hidden = !another.hidden;
    if (!more.hidden && known.length) setText(empty, "No name that is listed holds that text.");
  }

  function rowOf(conversation) {
    let row = rows.get(conversation.id);
    if (!row) rows.set(conversation.id, (row = makeRow(conversation.id, choose)));
    row.update(conversation, conversation.id === chosen);
    return row;
  }

  /** Mark the one that is shown. */
  function mark(id) {
    chosen = id;
    for (const [each, row] of rows) row.mark(each === id);
  }

  /** Choose the next one, or the one before, as they are listed. */
  function step(by) {
    const ids = [...list.children].map((row) => row.dataset.id);
    const at = ids.indexOf(chosen);
    const next = at < 0 ? 0 : at + by;
    if (ids[next] === undefined) return;
    choose(ids[next]);
    rows.get(ids[next]).focus();
  }

  return { look, mark, step, has: (id) => known.some((each) => each.id === id) };
}

function makeRow(id, choose) {
  const live = make("span", { class: "dot" });
  const name = make("span", { class: "name", dir: "auto" }, id);
  const facts = make("span", { class: "facts" });
  const when = make("time", { class: "when" });
  const link = make("a", { href: `#/c/${encodeURIComponent(id)}`, title: id }, live, name, when, facts);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // into a tab of its own
    event.preventDefault();
    choose(id);
  });
  const node = make("li", { "data-id": id }, link);

  function mark(isChosen) {
    setAttribute(link, "aria-current", isChosen ? "true" : null);
  }

  function update({ events, started, updated, writing }, isChosen) {
    setAttribute(node, "data-live", writing ? "" : null);
    setAttribute(live, "title", writing ? "somebody writes it" : null);
    setText(when, ago(started));
    const last = writing ? "live" : typeof updated === "number" ? `last ${ago(updated)}` : "";
    setText(facts, [plural(events, "event"), last].filter(Boolean).join(" · "));
    mark(isChosen);
  }
  return { node, update, mark, focus: () => link.focus() };
}
