// Elements and figures. Whatever comes from a run gets into the page as text or as an attribute, never as markup.

const SVG = "http://www.w3.org/2000/svg";
let lastId = 0;

export function make(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function makeSvg(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function makeButton(className, text, label, onClick) {
  const made = make("button", className, text);
  made.type = "button";
  if (label) {
    made.setAttribute("aria-label", label);
    made.title = label;
  }
  made.addEventListener("click", onClick);
  return made;
}

/** A glyph, drawn by the style sheet, which knows one for each status. What it says must stand beside it, as a word. */
export function makeGlyph(status) {
  const made = make("span", `li-glyph is-${status}`);
  made.setAttribute("aria-hidden", "true");
  return made;
}

export function uniqueId(word) {
  lastId += 1;
  return `linus-${word}-${lastId}`;
}

export function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}

export function pressed(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

function threeFigures(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

/** Seconds as people read them: three figures, and the unit always there, as `numbers.seconds` has it. */
export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value <= 0) return "0 s";
  if (value < 0.0009995) return `${threeFigures(value * 1e6)} µs`;
  if (value < 0.09995) return `${threeFigures(value * 1e3)} ms`;
  if (value < 119.95) return `${threeFigures(value)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function grouped(count) {
  return count.toLocaleString("en-GB");
}

export function plural(count, noun) {
  return `${grouped(count)} ${count === 1 ? noun : noun.endsWith("ry") ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}

export function dollars(cost) {
  if (cost === 0) return "$0";
  if (cost < 0.0001) return "under $0.0001";
  return `$${cost < 0.01 ? cost.toFixed(4) : cost < 1 ? cost.toFixed(3) : cost.toFixed(2)}`;
}

export function kilobytes(characters) {
  return characters < 1000 ? `${characters} characters` : `${threeFigures(characters / 1000)} kB`;
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function shortened(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
