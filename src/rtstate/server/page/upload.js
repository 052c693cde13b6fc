/** Opening recordings: files that are dropped onto the page, or picked, become conversations. */

import { ApiError, conversationPath, getJson, postText } from "./api.js";
import { byId, make, setText } from "./dom.js";
import { bytes, plural } from "./format.js";
import { batches, nameFor, NotARecording } from "./recording.js";

const BUSY = new Set([429, 503]);
const ATTEMPTS = 20; // in which nothing was kept

/** Take files; `opened(id)` is called when one is there. */
export function makeUpload({ opened }) {
  const picker = byId("picker");
  const veil = byId("drop");
  const tasks = byId("tasks");
  let inside = 0;

  byId("open").addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    takeAll([...picker.files]);
    picker.value = "";
  });
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    inside += 1;
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event) && --inside <= 0) leave();
  });
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    leave();
    takeAll([...event.dataTransfer.files]);
  });

  function leave() {
    inside = 0;
    veil.hidden = true;
  }

  async function takeAll(files) {
    for (const file of files) await take(file);
  }

  async function take(file) {
    const task = makeTask(file);
    tasks.append(task.node);
    let name = null;
    let events = 0;
    try {
      for await (const { text, lines, read } of batches(file)) {
        name ??= await freeName(nameFor(file));
        const before = events;
        await send(name, text, (kept, wait) => {
          events = before + kept;
          task.waits(wait);
        });
        events = before + lines;
        task.progress(read, events);
      }
      task.done(events);
      opened(name);
    } catch (error) {
      const known = error instanceof ApiError || error instanceof NotARecording;
      if (!known && !(error instanceof DOMException)) throw error;
      const kept = events ? ` ${plural(events, "event")} were kept as ${name}.` : "";
      task.fail(`${known ? error.message : "It cannot be read: a folder, or it has changed meanwhile."}${kept}`);
    }
  }

  return { take: takeAll };
}

/**
 * Send a batch until all of it is kept; what was kept before a refusal is not sent again.
 * @param {(kept: number, wait: number) => void} refused how many are kept, and the seconds until the next attempt
 */
async function send(name, text, refused) {
  let kept = 0;
  for (let attempts = 1; ; attempts++) {
    try {
      return await postText(conversationPath(name, "/events"), text, "application/x-ndjson");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.kept) attempts = 1;
      kept += error.kept;
      text = text.split("\n").slice(error.kept).join("\n");
      refused(kept, error.wait);
      if (!BUSY.has(error.status) || attempts === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 * error.wait));
    }
  }
}

/** A name that no conversation has yet: a number is added until one is found. */
async function freeName(wanted) {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted} ${number}`;
    try {
      await getJson(conversationPath(name, "/events?limit=1"));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return name;
      throw error;
    }
  }
}

function makeTask(file) {
  const told = make("span", { class: "told" }, "reading …");
  const bar = make("progress", { max: Math.max(file.size, 1), value: 0, "aria-label": `opening ${file.name}` });
  const close = make("button", { class: "quiet", type: "button", "aria-label": "Dismiss" }, "×");
  const node = make("li", {}, make("strong", {}, file.name), told, bar, close);
  close.addEventListener("click", () => node.remove());
  return {
    node,
    progress(read, events) {
      bar.value = read;
      setText(told, `${bytes(read)} of ${bytes(file.size)}, ${plural(events, "event")}`);
    },
    waits(seconds) {
      setText(told, `the server is busy: going on in ${seconds} s`);
    },
    done(events) {
      bar.value = bar.max;
      setText(told, plural(events, "event"));
      setTimeout(() => node.remove(), 2500);
    },
    fail(message) {
      node.setAttribute("data-bad", "");
      bar.hidden = true;
      setText(told, message);
    },
  };
}

function hasFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
