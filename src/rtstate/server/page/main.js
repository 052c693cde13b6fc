/** The page: which conversation is shown, as it is now or as it stood, and what has to be drawn. */

import { keepToken, readAddress, takeToken, token, writeAddress } from "./address.js";
import { byId, hide, setAttribute, setText } from "./dom.js";
import { follow } from "./feed.js";
import { plural } from "./format.js";
import { listen } from "./keys.js";
import { makeList } from "./list.js";
import { clean, mark } from "./marks.js";
import { makePanels } from "./panels.js";
import { makeTalk } from "./talk.js";
import { startTheme } from "./theme.js";
import { makeTravel } from "./travel.js";
import { makeUpload } from "./upload.js";

const RATE = Number(new URLSearchParams(location.search).get("rate")) || 30;

const talk = makeTalk();
const panels = makePanels({ goTo });
const travel = makeTravel({ show: showPast, live: showLive, moved });
const list = makeList({ choose: (id) => open(id), listed, failed: listFailed });
let id = null;
let chosen = false; // by somebody, not by the page itself
let feed = null;
let live = null; // the document as it is now
let gone = null; // when it was said to be deleted, or not there yet
let newest = 0; // its last event, as the list told it
let past = null; // {document, changes} while an earlier revision is shown
let dirty = clean();
let frame = null;

/** Show a conversation, live or at a revision. */
function open(name, { revision = null, address = true } = {}) {
  if (address) writeAddress(name, revision);
  chosen = true;
  if (name !== id || gone !== null) start(name);
  if (revision !== null) travel.go(revision, { notify: false });
  else if (travel.at() !== null) travel.goLive({ notify: false });
  if (name !== null) showPane("centre");
}

/** The list was told: go on with the conversation that is shown, or offer another. */
function listed(conversations, asked) {
  const own = conversations.find((each) => each.id === id);
  if (own && gone !== null) {
    if (asked > gone) startAgain();
  } else if (own && own.last !== newest) {
    newest = own.last; // events that changed nothing are told nowhere else
    later();
  }
  if (!own?.writing) offer(conversations);
}

/** While nobody has chosen, show the call that goes on, and the next one when it is over and not being read. */
function offer(conversations) {
  if (chosen || travel.at() !== null || !talk.isAtEnd()) return;
  const next = conversations.find((each) => each.writing);
  if (next) start(next.id);
}

/** Its first event came, perhaps after it was deleted. */
function startAgain() {
  const { revision } = readAddress();
  start(id);
  if (revision !== null) travel.go(revision, { notify: false });
}

function start(name) {
  feed?.stop();
  feed = null;
  id = name;
  forget();
  list.mark(name);
  setText(byId("title"), name ?? "No conversation");
  setText(byId("facts"), "");
  document.title = name === null ? "rtstate" : `${name} · rtstate`;
  byId("welcome").hidden = name !== null;
  byId("with-token").hidden = token() === null;
  setAttribute(document.body, "data-chosen", name === null ? null : "");
  showState(name === null ? { kind: "none" } : { kind: "connecting" });
  if (name !== null) feed = follow(name, { snapshot, patch, state: showState }, { rate: RATE });
}

/** Forget what was of the conversation shown until now. */
function forget() {
  live = past = null;
  newest = 0;
  dirty = clean();
  talk.clear();
  panels.clear();
  travel.reset(id);
}

function snapshot(document, another) {
  if (another) {
    forget();
    writeAddress(id, null, { replace: true }); // a revision was one of the other
  }
  const first = live === null;
  live = document;
  if (past === null) dirty = { ...clean(), all: true, first };
  later();
}

function patch(operations, document) {
  live = document;
  if (past === null) mark(dirty, operations);
  later();
}

/** Draw with the next frame, once for all that came until then. */
function later() {
  frame ??= requestAnimationFrame(draw);
}

function draw() {
  frame = null;
  if (live !== null) travel.grow(live.revision);
  const shown = past?.document ?? live;
  if (shown === null) return;
  const drawn = dirty;
  dirty = clean();
  if (drawn.all || drawn.order || drawn.items.size || drawn.speech) {
    talk.render(shown, drawn, { live: past === null, changes: past?.changes ?? [] });
  }
  const model = shown.session?.model;
  setText(byId("facts"), [plural(shown.order.length, "item"), model].filter(Boolean).join(" · "));
  panels.update({ id, document: shown, live: past === null, latest: `${live?.revision} ${newest}` });
}

function showPast(document, changes) {
  past = { document, changes };
  dirty = { ...clean(), all: true };
  later();
}

function showLive() {
  past = null;
  dirty = { ...clean(), all: true, first: true };
  later();
}

function moved(revision) {
  writeAddress(id, revision, { replace: true });
}

function goTo(item) {
  showPane("centre");
  return talk.goTo(item);
}

const SAID = { none: "", connecting: "connecting …", live: "live", gone: "gone", refused: "no access" };

function showState(state) {
  const node = byId("connection");
  setAttribute(node, "data-state", state.kind);
  gone = state.kind === "gone" ? performance.now() : null;
  const absent = state.status === 404 && live === null;
  setText(byId("connection-text"), absent ? "not there yet" : saidOf(state));
  byId("retry").hidden = state.kind !== "waiting";
  const known = state.kind === "gone" || state.kind === "refused" ? state.message : "";
  const told = absent ? `There is no conversation “${id}” yet. Its first event will show it here.` : known;
  byId("notice").hidden = !told;
  setText(byId("notice"), told ?? "");
  if (state.kind === "live" && live !== null) later(); // what failed while it was away is asked for again
}

function saidOf({ kind, seconds }) {
  return kind === "waiting" ? `reconnecting in ${seconds.toFixed(seconds < 1 ? 1 : 0)} s …` : SAID[kind];
}

/** The list cannot be had: without a token that is right, ask for one. */
function listFailed(error) {
  const refused = error?.status === 401 || error?.status === 403;
  hide(byId("token-form"), !refused);
  if (refused) setText(byId("token-label"), token() ? "The server refuses that token." : "This server asks for a token.");
  byId("list-error").hidden = error === null || refused;
  setText(byId("list-error"), error?.message ?? "");
}

/** On a narrow screen one pane is shown at a time. */
function showPane(name) {
  document.body.dataset.pane = name;
  for (const each of ["left", "centre", "right"]) {
    setAttribute(byId(`show-${each}`), "aria-pressed", each === name ? "true" : "false");
  }
  panels.draw();
}

function route() {
  takeToken();
  const { id: name, revision } = readAddress();
  if (name !== null || chosen) open(name, { revision, address: false });
}

startTheme();
listen({ list, talk, travel, panels });
makeUpload({
  opened(name) {
    list.look();
    open(name);
  },
});
for (const each of ["left", "centre", "right"]) byId(`show-${each}`).addEventListener("click", () => showPane(each));
byId("retry").addEventListener("click", () => feed?.retry());
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(byId("token").value.trim());
  byId("token").value = "";
  byId("token").focus();
  list.look();
  start(id);
});
addEventListener("hashchange", route);
addEventListener("popstate", route);
setText(byId("events-address"), new URL("conversations/call_1/events", document.baseURI).href);
showPane("left");
start(null);
route();
list.look();
