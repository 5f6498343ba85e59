// What a pointer over something tells, beside the pointer. Those who use keys read the same in the detail pane.

import { clamp, make } from "./dom.js";

const AWAY = 14;

export class Tip {
  constructor(root) {
    this.root = root;
    this.box = make("div", "li-tip");
    this.box.hidden = true;
    this.box.setAttribute("aria-hidden", "true");
    root.append(this.box);
  }

  /** Tell what `textOf` finds for an element below `host` that `selector` names. */
  over(host, selector, textOf) {
    host.addEventListener("pointermove", (event) => {
      const found = event.buttons ? null : event.target.closest?.(selector);
      const text = found && host.contains(found) ? textOf(found) : "";
      if (text) this.show(text, event);
      else this.hide();
    });
    host.addEventListener("pointerleave", () => this.hide());
  }

  show(text, event) {
    if (this.box.textContent !== text) this.box.textContent = text;
    this.box.hidden = false;
    const around = this.root.getBoundingClientRect();
    const { width, height } = this.box.getBoundingClientRect();
    const x = event.clientX - around.left + AWAY;
    const below = event.clientY - around.top + AWAY;
    this.box.style.left = `${clamp(x, 4, Math.max(4, around.width - width - 4))}px`;
    this.box.style.top = `${below + height > around.height ? Math.max(4, below - height - 2 * AWAY) : below}px`;
  }

  hide() {
    this.box.hidden = true;
  }
}
