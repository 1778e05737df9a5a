// How things are said and made.

const STATES = [
  { name: "done", letter: "d", glyph: "✓", says: "done" },
  { name: "skipped", letter: "s", glyph: "–", says: "nothing to produce" },
  { name: "quarantined", letter: "q", glyph: "!", says: "bad input" },
  { name: "failed", letter: "f", glyph: "✕", says: "failed" },
  { name: "running", letter: "r", glyph: "▶\uFE0E", says: "running" },
  { name: "queued", letter: "u", glyph: "…", says: "queued" },
  { name: "waiting", letter: "w", glyph: "·", says: "waiting" },
  { name: "removed", letter: "x", glyph: "∅", says: "was done, its product was removed" },
];
const FINISHED = ["done", "skipped", "quarantined", "removed"];
const FLAGGED = ["failed", "quarantined"];
// Codes of cells: the place in STATES, one more for "done with warnings", and one for "no such job".
const WARNED = STATES.length;
const ABSENT = STATES.length + 1;
const CODES = new Uint8Array(128).fill(ABSENT);
STATES.forEach((state, code) => { CODES[state.letter.charCodeAt(0)] = code; });
CODES["D".charCodeAt(0)] = WARNED;

function stateOf(code) {
  return code === WARNED ? STATES[0] : STATES[code];
}

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function find(name) {
  return document.getElementById(name);
}

function mark(state, warned) {
  return make("i", { class: `mark s-${state.name}${warned ? " warned" : ""}`, "aria-hidden": "true" }, state.glyph);
}

function stack(counts, total) {
  const bar = make("div", { class: "stack", "aria-hidden": "true" });
  for (const state of STATES) {
    const count = counts[state.name] || 0;
    if (!count || state.name === "waiting") continue;
    const part = make("i", { class: `s-${state.name}${FLAGGED.includes(state.name) ? " flag" : ""}` });
    part.style.width = `${(100 * count) / total}%`;
    bar.append(part);
  }
  return bar;
}

function number(value) {
  return value.toLocaleString("en-GB");
}

function percent(part, whole) {
  if (!whole) return "0 %";
  const value = (100 * part) / whole;
  return `${part < whole ? Math.min(99, Math.floor(value)) : 100} %`;
}

function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 119.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.round(minutes / 1440)} days`;
}

function memory(megabytes) {
  return megabytes < 10000 ? `${Math.round(megabytes)} MB` : `${(megabytes / 1000).toFixed(1)} GB`;
}

function two(value) {
  return String(value).padStart(2, "0");
}

// With `always` the day and the seconds too.
function clock(seconds, always) {
  const time = new Date(seconds * 1000);
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const hour = `${two(time.getHours())}:${two(time.getMinutes())}${always ? `:${two(time.getSeconds())}` : ""}`;
  return !always && new Date().toDateString() === time.toDateString() ? hour : `${day} ${hour}`;
}

function finished(counts) {
  return FINISHED.reduce((sum, name) => sum + (counts[name] || 0), 0);
}

// An address of a file of the campaign, seen from this page.
function address(path) {
  const whole = path.startsWith("/") ? path : `${store.head.base}/${path}`;
  return whole.split("/").map(encodeURIComponent).join("/");
}
