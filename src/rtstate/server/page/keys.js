/** The keyboard: one key for what is done often. `?` tells them all. */

import { byId } from "./dom.js";

const TYPED = new Set(["INPUT", "TEXTAREA", "SELECT"]);

/** Listen for keys. */
export function listen({ list, talk, travel, panels }) {
  const help = byId("help");
  byId("show-help").addEventListener("click", () => help.showModal());
  byId("close-help").addEventListener("click", () => help.close());

  const inList = () => byId("left").contains(document.activeElement);
  const step = (by) => (inList() ? list.step(by) : talk.step(by));
  const actions = {
    j: () => step(1),
    k: () => step(-1),
    J: () => list.step(1),
    K: () => list.step(-1),
    "/": focusFilter,
    ArrowLeft: () => travel.step(-1),
    ArrowRight: () => travel.step(1),
    l: () => travel.goLive(),
    "?": () => help.showModal(),
    1: () => panels.choose(0),
    2: () => panels.choose(1),
    3: () => panels.choose(2),
    4: () => panels.choose(3),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const { target } = event;
    if (event.key === "Escape" && TYPED.has(target.tagName)) return target.blur();
    if (TYPED.has(target.tagName) && target.type !== "range") return;
    if (event.key.startsWith("Arrow") && target.closest?.("pre")) return; // it is scrolled
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** The filter of the events where those are being read, else that of the conversations. */
function focusFilter() {
  const events = byId("event-text");
  const inside = byId("right").contains(document.activeElement) && events.offsetParent !== null;
  const box = inside ? events : byId("filter");
  if (box.offsetParent === null) byId("show-left").click();
  box.focus();
  box.select();
}
