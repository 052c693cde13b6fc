/** One item of a conversation, as a card that is kept and only written where it changes. */

import { growing, hide, make, setAttribute, setText } from "./dom.js";
import { shortId } from "./format.js";
import { block, paint, pretty } from "./json.js";
import { partView } from "./parts.js";

const NAMES = {
  function_call: "tool call",
  function_call_output: "tool output",
  mcp_call: "MCP call",
  mcp_list_tools: "MCP tools",
  mcp_approval_request: "MCP asks",
  mcp_approval_response: "MCP answer",
};

/** What an item is called: the role of a message, else its type. */
export function nameOf(item) {
  const messages = item.type === "message" || item.type === "force_message";
  return messages ? (item.role ?? "message") : (NAMES[item.type] ?? String(item.type).replaceAll("_", " "));
}

/** All the text of a message that can be read out. */
export function textOf(item) {
  const parts = Array.isArray(item.content) ? item.content : [];
  return parts.map((part) => part.transcript ?? part.text ?? "").filter(Boolean).join(" ");
}

/**
 * Make the card of an item.
 * @param {string} id
 * @returns {{node: Element, update: (item: any, changes: any[]) => void}}
 */
export function makeCard(id) {
  const role = make("span", { class: "role" });
  const state = make("span", { class: "state", hidden: true });
  const body = make("div", { class: "body" });
  const tag = make("span", { class: "id", title: id }, shortId(id));
  const who = make("div", { class: "who" }, role, state, tag);
  const node = make("div", { class: "item", role: "listitem", tabindex: "-1", "data-id": id }, who, body);
  let shape = null;
  let views = [];

  function update(item, changes = []) {
    const now = shapeOf(item);
    if (now !== shape) {
      shape = now;
      views = viewsOf(item);
      body.replaceChildren(...views.map((view) => view.node));
    }
    setText(role, nameOf(item));
    setAttribute(node, "data-kind", kindOf(item));
    setAttribute(node, "data-status", item.status);
    const told = stateOf(item);
    hide(state, !told);
    setText(state, told);
    setAttribute(node, "data-changed", changes.length ? "" : null);
    setAttribute(state, "data-changed", touches(changes, "status") || touches(changes, "ready") ? "" : null);
    for (const view of views) view.update(item, changes);
  }
  return { node, update };
}

/** What has to be made anew when it changes: the kinds of views. */
function shapeOf(item) {
  const parts = Array.isArray(item.content) ? item.content.map((part) => part?.type) : [];
  return `${item.type}:${parts.join()}`;
}

function kindOf(item) {
  if (item.type === "message" || item.type === "force_message") return item.role ?? "other";
  if (item.type === "function_call" || item.type === "mcp_call") return "call";
  return item.type in NAMES ? "output" : "other";
}

function stateOf(item) {
  if (item.status === "in_progress") return item.type === "function_call" ? "writing" : "in progress";
  if (item.status === "incomplete") return "incomplete";
  if (item.type === "function_call" && item.ready === false) return "not to be run";
  return item.status && item.status !== "completed" ? String(item.status) : "";
}

function viewsOf(item) {
  if (Array.isArray(item.content) && (item.type === "message" || item.type === "force_message")) {
    return item.content.map((part, index) => messagePart(part, index));
  }
  if (item.type === "function_call") return [headline((it) => it.name, (it) => it.call_id), code("arguments")];
  if (item.type === "function_call_output") return [headline(() => "", (it) => it.call_id), code("output")];
  if (item.type === "mcp_call") {
    return [headline((it) => it.name, mcpServer), code("arguments"), code("output"), code("error")];
  }
  if (item.type === "mcp_approval_request") return [headline((it) => it.name, mcpServer), code("arguments")];
  if (item.type === "mcp_approval_response") return [headline(approval, (it) => it.reason ?? "")];
  if (item.type === "mcp_list_tools") return [headline(toolNames, mcpServer)];
  return [whole()];
}

const mcpServer = (item) => (item.server_label ? `on ${item.server_label}` : "");
const approval = (item) => (item.approve ? "approved" : item.approve === false ? "denied" : "");
const toolNames = (item) => (item.tools ?? []).map((tool) => tool?.name ?? "?").join(", ");

function messagePart(first, index) {
  const view = partView(first);
  return {
    node: view.node,
    update: (item, changes) => view.update(item.content[index], item, marksOf(item, changes, index)),
  };
}

/** What changed in a part, by field. Of an item that is new the card is marked, and not each text too. */
function marksOf(item, changes, index) {
  const own = changes.filter(({ keys }) => keys[2] === "content" && (keys[3] ?? index) === index);
  return (field) => {
    const change = own.find(({ keys }) => keys.length < 5 || keys[4] === field);
    if (change === undefined) return null;
    const text = item.content[index][field];
    const appended = change.op === "append" && typeof text === "string";
    return { from: appended ? text.length - change.value.length : null };
  };
}

function touches(changes, field) {
  return changes.some(({ keys }) => keys.length === 2 || keys[2] === field);
}

function headline(name, aside) {
  const title = make("strong", { class: "name" });
  const more = make("span", { class: "aside" });
  const node = make("p", { class: "headline" }, title, more);
  return {
    node,
    update(item) {
      setText(title, String(name(item) ?? ""));
      setText(more, String(aside(item) ?? ""));
    },
  };
}

/** A field that holds text, JSON as a rule: as it comes while it grows, indented once it is whole. */
function code(field) {
  const node = make("pre", { class: "json", tabindex: "0", role: "group", "aria-label": field });
  let show = growing(node);
  let shown = null;

  function update(item, changes) {
    const value = item[field];
    const text = typeof value === "string" ? value : value == null ? "" : JSON.stringify(value);
    hide(node, !text);
    setAttribute(node, "data-changed", touches(changes, field) ? "" : null);
    if (text === shown) return;
    shown = text;
    const whole = pretty(text);
    if (whole !== null) {
      paint(node, whole);
      show = null;
    } else {
      if (show === null) {
        node.replaceChildren();
        show = growing(node);
      }
      show(text);
    }
  }
  return { node, update };
}

function whole() {
  const node = make("div");
  let shown = null;
  return {
    node,
    update(item) {
      const now = JSON.stringify(item);
      if (now === shown) return;
      shown = now;
      node.replaceChildren(block(`item of type ${item.type}`, item));
    },
  };
}
