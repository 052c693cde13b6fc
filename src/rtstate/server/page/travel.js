/** The slider through the revisions: the document as it stood, and what changed there. */

import { ApiError, conversationPath, getJson } from "./api.js";
import { diff } from "./diff.js";
import { byId, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";
import { operationList } from "./operations.js";

const SETTLES = 70; // ms without a further move, until the server is asked
const KEPT = 80; // documents

/**
 * Make the slider.
 * @param {{show: (document: any, changes: any[]) => void, live: () => void, moved: (revision: number|null) => void}} told
 */
export function makeTravel({ show, live, moved }) {
  const slider = byId("slider");
  const label = byId("revision");
  const liveButton = byId("to-live");
  const panel = byId("changed");
  let id = null;
  let last = 0;
  let at = null; // null: live
  let kept = new Map();
  let timer = null;
  let asking = null;

  slider.addEventListener("input", () => go(Number(slider.value)));
  liveButton.addEventListener("click", () => goLive());
  byId("back").addEventListener("click", () => step(-1));
  byId("on").addEventListener("click", () => step(1));

  /** Begin with another conversation. */
  function reset(name) {
    forget();
    id = name;
    last = 0;
    at = null;
    kept = new Map();
    panel.hidden = true;
    draw();
  }

  function forget() {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
  }

  /** Say what the newest revision is. */
  function grow(revision) {
    if (revision === last) return;
    last = revision;
    draw();
  }

  function draw() {
    const shown = at ?? last;
    setAttribute(slider, "max", String(Math.max(last, shown)));
    if (Number(slider.value) !== shown) slider.value = String(shown);
    slider.disabled = byId("back").disabled = id === null || Math.max(last, shown) === 0;
    byId("on").disabled = at === null;
    setText(label, `${count(shown)} of ${count(last)}`);
    setAttribute(slider, "aria-valuetext", at === null ? `live, revision ${shown}` : `revision ${shown} of ${last}`);
    setAttribute(document.body, "data-travelling", at === null ? null : "");
    liveButton.disabled = at === null;
    setAttribute(liveButton, "aria-pressed", at === null ? "true" : "false");
  }

  /** Go to a revision; the document follows once the slider rests. */
  function go(revision, { notify = true } = {}) {
    if (id === null) return;
    at = Math.max(0, last > 0 ? Math.min(revision, last) : revision);
    draw();
    if (notify) moved(at);
    forget();
    if (kept.has(at) && (at === 0 || kept.has(at - 1))) display(at);
    else timer = setTimeout(load, SETTLES, at);
  }

  /** One revision on or back; beyond the last one is live. */
  function step(by) {
    if (at === null && by > 0) return;
    const next = (at ?? last) + by;
    if (next > last && last > 0) goLive();
    else go(next);
  }

  function goLive({ notify = true } = {}) {
    forget();
    at = null;
    panel.hidden = true;
    draw();
    if (notify) moved(null);
    live();
  }

  async function load(revision) {
    const controller = (asking = new AbortController());
    try {
      const wanted = revision > 0 ? [revision, revision - 1] : [revision];
      await Promise.all(wanted.map((each) => fetchOne(each, controller.signal)));
      if (asking === controller && at === revision) display(revision);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof ApiError)) throw error;
      if (asking === controller) fail(revision, error);
    }
  }

  /** Fetch a document unless it is kept. That of the revision before may have been trimmed away. */
  async function fetchOne(revision, signal) {
    if (kept.has(revision)) return;
    const name = id;
    try {
      const found = await getJson(conversationPath(name, `?revision=${revision}`), { signal });
      if (name === id) keep(revision, found);
    } catch (error) {
      if (error instanceof ApiError && at !== revision) return;
      throw error;
    }
  }

  function keep(revision, found) {
    kept.set(revision, found);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }

  function display(revision) {
    const now = kept.get(revision);
    const before = kept.get(revision - 1);
    const changes = before ? diff(before, now) : [];
    panel.hidden = false;
    setText(byId("changed-title"), before ? `Revision ${count(revision)} changed` : `Revision ${count(revision)}`);
    const none = before ? operationList(changes) : "";
    byId("changed-list").replaceChildren(none);
    show(now, changes);
  }

  function fail(revision, error) {
    panel.hidden = false;
    setText(byId("changed-title"), `Revision ${count(revision)} cannot be shown`);
    byId("changed-list").replaceChildren(error.message);
  }

  return { reset, grow, go, step, goLive, at: () => at };
}
