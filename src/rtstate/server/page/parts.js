/** The parts of a message: what was said or written, how far it was heard, and pictures. */

import { growing, hide, make, setAttribute, setText } from "./dom.js";
import { milliseconds } from "./format.js";
import { block } from "./json.js";

const PICTURE = /^data:image\/(png|jpeg|gif|webp|avif|bmp);base64,/i;
const LONGEST_BAR = 12_000; // ms of audio that fill the bar

/**
 * Make the view of one part.
 * @param {any} first the part as it is now; its type decides what is made
 * @returns {{node: Element, update: (part: any, item: any, marks: Marks) => void}}
 * @typedef {(field: string) => {from: number|null} | null} Marks what changed: by field, from where on
 */
export function partView(first) {
  if (first.type === "input_image") return pictureView(first);
  const known = ["input_text", "output_text", "input_audio", "output_audio", null];
  return known.includes(first.type) ? textView() : unknownView();
}

function textView() {
  const said = make("span", { class: "said" });
  const rest = make("del", { class: "unheard", hidden: true });
  const words = make("p", { class: "words", dir: "auto" }, said, rest);
  const note = make("p", { class: "note", hidden: true });
  const audio = audioBar();
  const node = make("div", { class: "part" }, words, note, audio.node);
  const showSaid = growing(said);
  const showRest = growing(rest);

  function update(part, item, marks) {
    const text = part.transcript ?? part.text ?? "";
    const mark = marks("transcript") ?? marks("text") ?? marks("truncated");
    showSaid(text, mark === null ? null : (mark.from ?? 0));
    const unheard = part.truncated ? afterHeard(part.truncated) : "";
    showRest(unheard);
    hide(rest, !unheard);
    hide(words, !text && !unheard);
    const growingNow = !part.final && item.status === "in_progress";
    setAttribute(node, "data-spoken", part.type?.endsWith("audio") ? "" : null);
    setAttribute(node, "data-open", growingNow && text ? "" : null);
    const remark = remarkOn(part, item, text);
    hide(note, !remark);
    setText(note, remark);
    setAttribute(note, "data-bad", part.transcription?.status === "failed" ? "" : null);
    setAttribute(note, "data-changed", marks("transcription") || marks("truncated") ? "" : null);
    audio.update(part, marks("audio_ms") !== null);
  }
  return { node, update };
}

/** What was generated and not heard. The heard text is the beginning of it, unless a server says otherwise. */
function afterHeard({ heard_transcript: heard, generated_transcript: generated }) {
  if (!generated) return "";
  return generated.startsWith(heard ?? "") ? generated.slice((heard ?? "").length) : ` ${generated}`;
}

function remarkOn(part, item, text) {
  const { truncated, transcription } = part;
  if (truncated) {
    const of = typeof part.audio_ms === "number" ? ` of ${milliseconds(part.audio_ms)}` : "";
    return `interrupted at ${milliseconds(truncated.audio_end_ms)}${of}; what was heard is an estimate`;
  }
  if (transcription?.status === "failed") {
    const why = transcription.error?.message;
    return why ? `not transcribed: ${why}` : "not transcribed";
  }
  if (transcription?.status === "pending" && !text) return "transcribing …";
  if (!text && item.status === "in_progress") return "…";
  return text || !part.final ? "" : "no text";
}

/** How long the audio is, as a bar, and how much of it was heard. */
function audioBar() {
  const heard = make("span", { class: "heard" });
  const bar = make("span", { class: "bar", "aria-hidden": "true" }, heard);
  const length = make("span", { class: "length" });
  const node = make("div", { class: "audio", hidden: true }, bar, length);

  function update({ audio_ms: whole, truncated }, changed) {
    hide(node, typeof whole !== "number");
    if (node.hidden) return;
    const ms = truncated ? Math.min(truncated.audio_end_ms, whole) : whole;
    bar.style.setProperty("--length", Math.min(whole / LONGEST_BAR, 1).toFixed(3));
    heard.style.setProperty("--part", whole > 0 ? (ms / whole).toFixed(3) : "1");
    setText(length, milliseconds(whole));
    setAttribute(node, "data-changed", changed ? "" : null);
  }
  return { node, update };
}

function pictureView() {
  const node = make("div", { class: "part picture" });
  let shown;

  function update({ image_url: url, detail }) {
    if (url === shown) return;
    shown = url;
    if (typeof url === "string" && PICTURE.test(url)) {
      const alt = detail ? `image, detail ${detail}` : "image";
      node.replaceChildren(make("img", { src: url, alt, loading: "lazy", decoding: "async" }));
    } else {
      const told = url ? `image elsewhere, not loaded: ${url}` : "image";
      node.replaceChildren(make("p", { class: "note" }, told));
    }
  }
  return { node, update };
}

function unknownView() {
  const node = make("div", { class: "part" });
  let shown;

  function update(part) {
    const now = JSON.stringify(part);
    if (now === shown) return;
    shown = now;
    node.replaceChildren(block(`part of type ${part.type}`, part));
  }
  return { node, update };
}
