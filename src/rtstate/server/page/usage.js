/** The Usage tab: tokens by response and modality, totals, transcription apart, and what it cost. */

import { ApiError, conversationPath, getJson } from "./api.js";
import { drawBars } from "./chart.js";
import { byId, make, setText } from "./dom.js";
import { count, plural, shortId } from "./format.js";

const INPUT = {
  "in-cached": "cached",
  "in-text": "text",
  "in-audio": "audio",
  "in-image": "image",
  "in-other": "not told apart",
};
const OUTPUT = { "out-text": "text", "out-audio": "audio", "out-other": "not told apart" };

/** Make the tab. */
export function makeUsage() {
  const model = byId("model");
  const cost = byId("cost");
  let drawn = null;
  let current = null;
  let asked = null;
  let typed = false;

  model.addEventListener("input", () => (typed = true));
  byId("cost-form").addEventListener("submit", (event) => {
    event.preventDefault();
    asked = null;
    askCost();
  });
  new ResizeObserver(() => {
    drawn = null;
    if (current) render(current);
  }).observe(byId("usage"));

  function clear() {
    drawn = current = asked = null;
    typed = false;
    model.value = "";
    cost.textContent = "";
    for (const id of ["input-bars", "output-bars", "totals"]) byId(id).replaceChildren();
  }

  function render(shown) {
    current = shown;
    const { document } = shown;
    if (byId("usage").hidden) return;
    const told = JSON.stringify([document.usage, Object.keys(document.responses).length]);
    if (told === drawn) return;
    drawn = told;
    const used = Object.values(document.responses).filter(({ usage }) => usage);
    drawBars(byId("input-bars"), used.map(({ id, usage }) => ({ name: shortId(id), pieces: inputOf(usage) })), INPUT);
    drawBars(byId("output-bars"), used.map(({ id, usage }) => ({ name: shortId(id), pieces: outputOf(usage) })), OUTPUT);
    byId("no-usage").hidden = used.length > 0;
    byId("charts").hidden = used.length === 0;
    byId("totals").replaceChildren(...totals(document.usage));
    if (!typed) model.value = document.session?.model ?? "";
    askCost();
  }

  /** Prices are the server's to know; it is asked again when there is more to pay for. */
  async function askCost() {
    const name = model.value.trim();
    const key = `${current?.id} ${name} ${current?.document.usage.responses.count}`;
    if (!current || !name || key === asked) return;
    asked = key;
    try {
      const usage = await getJson(conversationPath(current.id, `/usage?model=${encodeURIComponent(name)}`));
      if (asked === key) setText(cost, costOf(usage));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (asked === key) setText(cost, error.message);
    }
  }

  return { render, clear };
}

function costOf({ cost }) {
  if (!cost) return "no prices here: the server would need rtstate[cost]";
  const total = Number(cost.total ?? cost);
  if (!Number.isFinite(total)) return "no price for that model";
  if (cost.unpriced && total === 0) {
    const why = cost.entries?.find((entry) => entry.unpriced)?.unpriced;
    return `no price${why ? `: ${why}` : ""}`;
  }
  const amount = `$${total.toFixed(total < 1 ? 4 : 2)}`;
  return cost.complete === false ? `${amount}, without ${count(cost.unpriced)} that have no price` : amount;
}

/** The input of one response: what was cached apart from the rest, which is by modality. */
function inputOf({ input_tokens: whole = 0, input_token_details: details }) {
  const of = (name) => Math.max(0, (details?.[name] ?? 0) - (details?.cached_tokens_details?.[name] ?? 0));
  const pieces = {
    "in-cached": details?.cached_tokens ?? 0,
    "in-text": of("text_tokens"),
    "in-audio": of("audio_tokens"),
    "in-image": of("image_tokens"),
  };
  return { ...pieces, "in-other": rest(whole, pieces) };
}

function outputOf({ output_tokens: whole = 0, output_token_details: details }) {
  const pieces = { "out-text": details?.text_tokens ?? 0, "out-audio": details?.audio_tokens ?? 0 };
  return { ...pieces, "out-other": rest(whole, pieces) };
}

function rest(whole, pieces) {
  return Math.max(0, whole - Object.values(pieces).reduce((all, each) => all + each, 0));
}

function totals({ responses, transcription }) {
  const input = responses.input_token_details ?? {};
  const output = responses.output_token_details ?? {};
  const rows = [
    row("Input", count(responses.input_tokens), [
      ["text", input.text_tokens],
      ["audio", input.audio_tokens],
      ["image", input.image_tokens],
      ["of these cached", input.cached_tokens],
    ]),
    row("Output", count(responses.output_tokens), [
      ["text", output.text_tokens],
      ["audio", output.audio_tokens],
    ]),
    row("Transcription", transcribed(transcription), [
      ["input", transcription.input_tokens],
      ["output", transcription.output_tokens],
    ]),
  ];
  const without = responses.without_usage ? `, ${count(responses.without_usage)} without usage` : "";
  const caption = `${plural(responses.count, "response")}${without}, ${plural(transcription.count, "transcription")}`;
  return [make("caption", {}, caption), make("tbody", {}, ...rows)];
}

/** Some models count transcriptions in tokens, others in seconds. */
function transcribed({ total_tokens: tokens, seconds }) {
  const told = [tokens || !seconds ? count(tokens) : "", seconds ? `${count(Math.round(seconds))} s` : ""];
  return told.filter(Boolean).join(" + ");
}

function row(name, total, pieces) {
  const told = pieces.filter(([, value]) => value).map(([kind, value]) => `${kind} ${count(value)}`);
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    make("td", { class: "number" }, total),
    make("td", { class: "pieces" }, told.join(", ")),
  );
}
