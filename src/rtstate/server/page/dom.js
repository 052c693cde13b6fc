/** Small helpers for nodes. Whatever comes from a server goes in as text, never as markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element: `make("p", {class: "said"}, "text", node)`. Names that begin with "on" are listeners.
 * @param {string} tag
 * @param {Record<string, any>} attributes null and false leave one out
 * @param {...(Node|string|null)} children
 */
export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
export function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Return the element with an id, which the page has. */
export function byId(id) {
  return document.getElementById(id);
}

/** Set a text, only if it is another. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set or remove an attribute, only if it is another. */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/** Hide a node or show it, only if that is another: writing the same again is work for whoever watches. */
export function hide(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

/**
 * Bring a list of children into an order, touching only those that are elsewhere.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  let at = parent.firstElementChild;
  for (const node of wanted) {
    while (at !== null && !keep.has(at)) {
      const next = at.nextElementSibling;
      at.remove();
      at = next;
    }
    if (at === node) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
  while (at !== null) {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  }
}

/**
 * Give an element a text that grows: only what is new is written.
 * `show(text, from)` marks what comes after `from` as changed.
 */
export function growing(node) {
  const text = document.createTextNode("");
  let shown = "";
  node.append(text);
  return function show(now, from = null) {
    if (from !== null && from < now.length) {
      node.replaceChildren(now.slice(0, from), make("mark", {}, now.slice(from)));
      shown = null;
      return;
    }
    if (shown === null) {
      node.replaceChildren(text);
      text.data = now;
    } else if (now !== shown) {
      if (shown && now.startsWith(shown)) text.appendData(now.slice(shown.length));
      else text.data = now;
    }
    shown = now;
  };
}

/** Call something soon, at most once in so many ms, however often it is asked for. */
export function throttled(call, ms) {
  let timer = null;
  let last = -Infinity;
  return function ask() {
    if (timer !== null) return;
    const wait = Math.max(0, last + ms - performance.now());
    timer = setTimeout(() => {
      timer = null;
      last = performance.now();
      call();
    }, wait);
  };
}
