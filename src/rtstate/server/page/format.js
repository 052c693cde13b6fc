/** Numbers and times, as people read them. */

const WHOLE = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** 12,345; a dash for what is not known. */
export function count(value) {
  return typeof value === "number" ? WHOLE.format(value) : "–";
}

/** "1 event", "2 events". */
export function plural(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** 1.2 k, 3.4 M: for axes. */
export function short(value) {
  if (value < 1000) return String(value);
  const [by, unit] = value < 1e6 ? [1e3, "k"] : [1e6, "M"];
  return `${(value / by).toFixed(value / by < 10 ? 1 : 0).replace(/\.0$/, "")}${unit}`;
}

/** Milliseconds as "320 ms", "4.3 s", "2:05". */
export function milliseconds(value) {
  if (typeof value !== "number") return "–";
  if (value < 999.5) return `${Math.round(value)} ms`;
  if (value < 59_950) return `${(value / 1000).toFixed(1)} s`;
  const seconds = Math.round(value / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Seconds until something, as "1 h 05 min", "4 min 09 s". */
export function countdown(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  if (whole >= 86_400) return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return whole >= 60 ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s` : `${whole} s`;
}

/** Bytes as "12 kB". */
export function bytes(value) {
  if (typeof value !== "number") return "–";
  if (value < 1000) return `${value} B`;
  return value < 999_500 ? `${Math.round(value / 1e3)} kB` : `${(value / 1e6).toFixed(1)} MB`;
}

/** The time of day of a Unix time. */
export function clock(seconds) {
  return typeof seconds === "number" ? CLOCK.format(seconds * 1000) : "–";
}

/** How long ago a Unix time was, roughly; the day where it was long ago. */
export function ago(seconds, now = Date.now() / 1000) {
  if (typeof seconds !== "number") return "";
  const past = now - seconds;
  if (past < 10) return "now";
  if (past < 60) return `${Math.floor(past)} s ago`;
  if (past < 3600) return `${Math.floor(past / 60)} min ago`;
  if (past < 86_400) return `${Math.floor(past / 3600)} h ago`;
  return DAY.format(seconds * 1000);
}

/** The end of a long id, which tells it apart from others. */
export function shortId(id) {
  const text = String(id);
  return text.length > 14 ? `…${text.slice(-8)}` : text;
}

/** The first line of a text, cut where it is long. */
export function cut(text, length = 120) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
