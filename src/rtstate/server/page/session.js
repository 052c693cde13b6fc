/** The Session tab: what was agreed with the server, its limits, its errors, and when it ends. */

import { byId, make, setText } from "./dom.js";
import { count, countdown } from "./format.js";
import { block } from "./json.js";

const SOON = 300; // seconds

/** Make the tab. */
export function makeSession() {
  let drawn = null;
  let expires = null;
  setInterval(tick, 1000);

  function clear() {
    drawn = expires = null;
    for (const id of ["session-facts", "session-json", "limits", "errors"]) byId(id).replaceChildren();
  }

  function render({ document }) {
    const { session, rate_limits: limits, errors, input_audio: audio } = document;
    const now = JSON.stringify([session, limits, errors, audio, document.conversation_id]);
    if (now === drawn) return;
    drawn = now;
    expires = session?.expires_at ?? null;
    byId("session-facts").replaceChildren(...facts(document));
    const open = byId("session-json").querySelector("details")?.open ?? false;
    const whole = make("details", { open }, make("summary", {}, "The whole session"), block("session", session ?? {}));
    byId("session-json").replaceChildren(...(session ? [whole] : []));
    byId("limits").replaceChildren(...limitRows(limits ?? {}));
    byId("no-limits").hidden = Object.keys(limits ?? {}).length > 0;
    byId("errors").replaceChildren(...(errors ?? []).map(errorRow).reverse());
    byId("no-errors").hidden = errors?.length > 0;
    tick();
  }

  function tick() {
    const node = byId("expires");
    if (!node || typeof expires !== "number") return;
    const left = expires - Date.now() / 1000;
    setText(node, left > 0 ? `in ${countdown(left)}` : "expired");
    node.toggleAttribute("data-bad", left < SOON);
  }

  return { render, clear };
}

function facts({ session, conversation_id: conversation, input_audio: audio }) {
  const input = session?.audio?.input;
  const output = session?.audio?.output;
  const turns = input?.turn_detection;
  const rows = [
    ["model", session?.model],
    ["session", session?.id],
    ["conversation", conversation],
    ["expires", typeof session?.expires_at === "number" ? make("span", { id: "expires" }) : null],
    ["voice", output?.voice ?? session?.voice],
    ["audio in", format(input?.format ?? session?.input_audio_format)],
    ["audio out", format(output?.format ?? session?.output_audio_format)],
    ["transcription", input?.transcription?.model],
    ["turns", turns?.type?.replaceAll("_", " ")],
    ["tools", session?.tools?.map((tool) => tool?.name ?? tool?.server_label ?? tool?.type).join(", ")],
    ["speech", audio?.speaking ? "the user is speaking" : null],
    ["instructions", session?.instructions],
  ];
  return rows
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value instanceof Node ? value : String(value))]);
}

function format(value) {
  if (typeof value !== "object" || value === null) return value;
  return [value.type, value.rate ? `${count(value.rate)} Hz` : ""].filter(Boolean).join(", ");
}

function limitRows(limits) {
  return Object.entries(limits).map(([name, { limit, remaining, reset_seconds: reset }]) => {
    const told = `${count(remaining)} of ${count(limit)} left`;
    const again = typeof reset === "number" ? `, full again in ${reset.toFixed(1)} s` : "";
    const part = limit > 0 ? remaining / limit : 0;
    const meter = make("meter", { min: 0, max: 1, low: 0.2, optimum: 1, value: part, "aria-label": `${name}: ${told}` });
    return make("li", {}, make("span", { class: "name" }, name), meter, make("span", { class: "aside" }, told + again));
  });
}

function errorRow({ type, code, message, param, event_id: event }) {
  const kind = [type, code].filter(Boolean).join(" · ");
  const where = [param ? `parameter ${param}` : "", event ? `event ${event}` : ""].filter(Boolean).join(", ");
  return make(
    "li",
    {},
    make("strong", {}, kind || "error"),
    make("p", {}, String(message ?? "")),
    where ? make("p", { class: "aside" }, where) : null,
  );
}
