// Boxes of the detail pane: values that are cut and can be seen whole, and rows of facts.

import { kilobytes, make, makeButton } from "./dom.js";
import { plainText } from "./search.js";

const PREVIEW = 1200; // characters
const PREVIEW_LINES = 16;

/** Where the preview of a text ends. */
function cutAt(text) {
  let at = -1;
  for (let line = 0; line < PREVIEW_LINES; line += 1) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) return Math.min(text.length, PREVIEW);
  }
  return Math.min(at, PREVIEW, text.length);
}

/**
 * Show a value as text. What is long is cut, with a button for the whole; what is cut already is asked for, where a
 * kernel can be asked: `whole()` is a promise of the text, or null.
 */
export function valueBox(value, { label = "", whole = null } = {}) {
  const box = make("div", "li-value");
  const text = plainText(value);
  const length = typeof value === "object" && value.whole ? value.whole : text.length;
  const kept = length <= text.length;
  const end = cutAt(text);
  if (label) box.append(make("span", "li-role", `${label} · `));
  const shown = make("span", "", end < text.length ? text.slice(0, end) : text);
  box.append(shown);
  if (!text) shown.append(make("span", "li-muted", "(empty)"));
  if (end >= text.length && kept) return box;

  const all = `show all ${kilobytes(length)}`;
  const more = makeButton("li-more", end < text.length || whole ? all : "", "", () => open());
  const note = make("span", "li-muted");
  let opened = false;
  let asked = kept ? text : null;

  function show(isOpen) {
    opened = isOpen;
    shown.textContent = isOpen ? asked ?? text : text.slice(0, end);
    more.textContent = isOpen ? "show less" : all;
    more.setAttribute("aria-expanded", String(isOpen));
  }

  async function open() {
    if (opened) return show(false);
    if (asked === null && whole) {
      more.disabled = true;
      note.textContent = " asking the kernel…";
      try {
        asked = await whole();
        note.textContent = "";
      } catch (problem) {
        note.textContent = ` ${problem.message}`;
      }
      more.disabled = false;
    } else if (asked === null) {
      note.textContent = ` the first ${kilobytes(text.length)} of ${kilobytes(length)}; the rest is not in this file`;
    }
    return show(true);
  }

  box.append(end < text.length || !kept ? "… " : "", more, note);
  more.setAttribute("aria-expanded", "false");
  if (!more.textContent) {
    more.remove();
    note.textContent = ` the first ${kilobytes(text.length)} of ${kilobytes(length)}; the rest is not in this file`;
  }
  return box;
}

export function heading(text) {
  return make("h4", "li-heading", text);
}

export function note(text) {
  return make("p", "li-muted", text);
}

/** A table of facts; the first column is muted. A cell is text or an element. */
export function table(head, rows) {
  const made = make("table", "li-table");
  if (head) {
    const top = made.createTHead().insertRow();
    for (const text of head) {
      const cell = make("th", "", text);
      cell.scope = "col";
      top.append(cell);
    }
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) line.insertCell().append(cell);
  }
  return made;
}
