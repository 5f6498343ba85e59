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
  const length = value.whole || text.length;
  const preview = text.slice(0, cutAt(text));
  let all = length <= text.length ? text : null; // null: it is elsewhere
  if (label) box.append(make("span", "li-role", `${label} · `));
  const shown = make("span", text ? "" : "li-muted", text ? preview : "(empty)");
  box.append(shown);
  if (all === preview) return box;

  const name = `show all ${kilobytes(length)}`;
  const dots = make("span", "", "… ");
  const more = makeButton("li-more", name, "", () => (isOpen ? show(preview, true) : open()));
  const said = make("span", "li-muted");
  let isOpen = false;
  more.setAttribute("aria-expanded", "false");
  box.append(dots, more, said);

  function show(words, isPreview) {
    isOpen = !isPreview;
    shown.textContent = words;
    dots.hidden = words === all;
    more.textContent = isOpen ? "show less" : name;
    more.setAttribute("aria-expanded", String(isOpen));
  }

  async function open() {
    if (all === null && whole) {
      more.disabled = true;
      said.textContent = " asking the kernel…";
      try {
        all = await whole();
        said.textContent = "";
      } catch (problem) {
        said.textContent = ` ${problem.message}`;
      }
      more.disabled = false;
    } else if (all === null) {
      said.textContent = ` the first ${kilobytes(text.length)} of ${kilobytes(length)}; the rest is not in this file`;
    }
    if (all !== null || preview !== text) show(all ?? text, false);
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
