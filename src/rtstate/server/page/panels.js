/** The tabs on the right: which is open, and that only this one is drawn, a few times a second at most. */

import { byId, setAttribute, throttled } from "./dom.js";
import { makeEvents } from "./events.js";
import { makeResponses } from "./responses.js";
import { makeSession } from "./session.js";
import { makeUsage } from "./usage.js";

const EVERY = 250; // ms
const KEY = "rtstate.tab";

/**
 * Make the panels. Each is `{render(shown), clear()}`; `shown` is what {@link Shown} says.
 * @typedef {{id: string, document: any, live: boolean, errors: string[]}} Shown
 */
export function makePanels({ goTo }) {
  const made = {
    responses: makeResponses({ goTo }),
    usage: makeUsage(),
    events: makeEvents(),
    session: makeSession(),
  };
  const names = Object.keys(made);
  const tabs = Object.fromEntries(names.map((name) => [name, byId(`tab-${name}`)]));
  let open = names.includes(sessionStorage.getItem(KEY)) ? sessionStorage.getItem(KEY) : "responses";
  let shown = null;

  for (const name of names) tabs[name].addEventListener("click", () => choose(name));
  byId("tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.stopPropagation(); // it is not the revision that moves
    event.preventDefault();
    choose(names[(names.indexOf(open) + by + names.length) % names.length]);
    tabs[open].focus();
  });

  const drawSoon = throttled(draw, EVERY);

  function draw() {
    if (shown !== null && !document.hidden && byId(open).offsetParent !== null) made[open].render(shown);
  }

  function choose(name) {
    open = name;
    sessionStorage.setItem(KEY, name);
    for (const each of names) {
      setAttribute(tabs[each], "aria-selected", each === name);
      setAttribute(tabs[each], "tabindex", each === name ? "0" : "-1");
      byId(each).hidden = each !== name;
    }
    draw();
  }

  document.addEventListener("visibilitychange", drawSoon);
  choose(open);

  return {
    /** Show another state of the conversation, soon. */
    update(now) {
      shown = now;
      drawSoon();
    },
    clear() {
      shown = null;
      for (const name of names) made[name].clear();
    },
    choose: (number) => names[number] && choose(names[number]),
    draw,
  };
}
