/** The conversation in the middle: its items in order, and who is speaking now. */

import { arrange, byId, hide, make, setText } from "./dom.js";
import { makeCard, nameOf, textOf } from "./card.js";

const NEAR = 60; // px from the end that still count as being there
const CHUNK = 40; // items that the browser draws or passes over together: one by one, 1,000 are work each frame

/** Make the view of a conversation's items. */
export function makeTalk() {
  const list = byId("items");
  const scroller = byId("talk");
  const speaking = byId("speaking");
  const later = byId("later");
  const announce = byId("announce");
  const empty = byId("no-items");
  let cards = new Map();
  let unfinished = new Set();
  let atEnd = true;
  let following = false;
  let marked = new Set();

  scroller.addEventListener("scroll", () => {
    atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    if (atEnd) hide(later, true);
  }, { passive: true });
  later.addEventListener("click", toEnd);
  new ResizeObserver(() => following && atEnd && toEnd()).observe(list); // sizes are estimates until drawn

  function toEnd() {
    atEnd = true;
    hide(later, true);
    scroller.scrollTop = scroller.scrollHeight;
  }

  function clear() {
    cards = new Map();
    unfinished = new Set();
    marked = new Set();
    atEnd = true;
    list.replaceChildren();
    hide(empty, true);
    hide(speaking, true);
    hide(later, true);
    announce.textContent = "";
  }

  /** Write what is dirty: some items, or all of them. */
  function render(document, dirty, { live, changes = [] }) {
    const items = document.items;
    following = live;
    if (dirty.all || dirty.order) arrangeCards(document, live && !dirty.all);
    const byItem = Map.groupBy(changes.filter(({ keys }) => keys[0] === "items"), ({ keys }) => keys[1]);
    for (const id of byItem.keys()) marked.add(id);
    const ids = dirty.all ? document.order : new Set([...dirty.items, ...marked]);
    for (const id of ids) {
      const card = cards.get(id);
      if (card && items[id]) card.update(items[id], byItem.get(id) ?? []);
      if (live && items[id]) announceFinal(items[id], !dirty.all);
    }
    marked = new Set(byItem.keys());
    showSpeaking(document);
    hide(empty, document.order.length > 0 || document.input_audio.speaking);
    if (live && (atEnd || dirty.first)) toEnd();
    else if (live && dirty.order && !dirty.all) hide(later, false);
    if (!live) reveal(byItem);
  }

  function arrangeCards(document, arrived) {
    const wanted = new Set(document.order);
    for (const id of cards.keys()) if (!wanted.has(id)) cards.delete(id);
    const nodes = [];
    for (const id of document.order) {
      let card = cards.get(id);
      if (!card) {
        cards.set(id, (card = makeCard(id)));
        if (arrived) card.node.classList.add("arrived");
        if (document.items[id]) card.update(document.items[id]);
      }
      nodes.push(card.node);
    }
    arrangeChunks(nodes);
  }

  function arrangeChunks(nodes) {
    const wanted = Math.ceil(nodes.length / CHUNK);
    while (list.children.length > wanted) list.lastElementChild.remove();
    while (list.children.length < wanted) list.append(make("div", { class: "chunk", role: "presentation" }));
    for (let at = 0; at < wanted; at++) arrange(list.children[at], nodes.slice(at * CHUNK, (at + 1) * CHUNK));
  }

  /** Tell a screen reader what was said, once it is final: not each delta. */
  function announceFinal(item, isNews) {
    const final = item.status !== "in_progress" && (item.content ?? []).every((part) => part.final !== false);
    if (!final) {
      unfinished.add(item.id);
    } else if (unfinished.delete(item.id) && isNews && textOf(item)) {
      announce.textContent = `${nameOf(item)}: ${textOf(item)}`;
    }
  }

  function showSpeaking({ input_audio: audio, items }) {
    hide(speaking, !audio.speaking);
    if (!audio.speaking) return;
    const item = items[audio.item_id];
    const words = item && !cards.has(item.id) ? textOf(item) : "";
    setText(byId("speaking-words"), words || "speaking …");
  }

  function reveal(byItem) {
    const id = [...byItem.keys()].findLast((each) => cards.has(each));
    if (id !== undefined) cards.get(id).node.scrollIntoView({ block: "nearest" });
  }

  /** Move the focus to the next item, or the one before. */
  function step(by) {
    const nodes = [...list.querySelectorAll(".item")];
    const at = nodes.indexOf(document.activeElement.closest(".item"));
    const next = at < 0 && by < 0 ? nodes.at(-1) : nodes[at + by];
    next?.focus();
  }

  /** Show an item, and put the focus there. */
  function goTo(id) {
    const card = cards.get(id);
    if (!card) return false;
    card.node.scrollIntoView({ block: "center" });
    card.node.focus({ preventScroll: true });
    return true;
  }

  return { render, clear, step, goTo, isAtEnd: () => atEnd };
}

