// A stage that is zoomed and moved: by wheel with Ctrl or a pinch, by dragging, by buttons, and by + − 0.

import { clamp, make, makeButton, pressed } from "./dom.js";

const LEAST = 0.03;
const MOST = 3;
const READABLE = 0.36; // below this, names cannot be read: a first view is not smaller, and scrolls instead
const LEGIBLE = 0.78; // below this, type shrinks less than boxes do, as far as their room goes
const LARGEST_TYPE = 1.4;
const STEP = 1.25;
const DRAG_FROM = 4; // pixels

export class Stage {
  constructor(tip) {
    this.viewport = make("div", "li-viewport");
    this.sizer = make("div", "li-sizer");
    this.content = make("div", "li-stage");
    this.sizer.append(this.content);
    this.viewport.append(this.sizer);
    this.said = make("span", "li-percent");
    this.buttons = make("div", "li-zoom");
    this.buttons.setAttribute("role", "group");
    this.buttons.setAttribute("aria-label", "zoom");
    this.buttons.append(
      makeButton("li-icon", "−", "Zoom out (−)", () => this.by(1 / STEP)),
      this.said,
      makeButton("li-icon", "+", "Zoom in (+)", () => this.by(STEP)),
      makeButton("li-icon", "↔", "Fit to width (0)", () => this.fit()),
    );
    this.size = [0, 0];
    this.scale = 1;
    this.fitted = true; // until somebody zooms, it goes with the width of the page
    this.tip = tip;
    this.viewport.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.viewport.addEventListener("pointerdown", (event) => this.drag(event));
    this.observer = new ResizeObserver(() => this.fitted && this.fit(READABLE));
    this.observer.observe(this.viewport);
  }

  show(width, height) {
    this.size = [width, height];
    this.content.style.width = `${width}px`;
    this.content.style.height = `${height}px`;
    this.fit(READABLE);
    this.viewport.scrollTo(0, 0);
  }

  fit(least = LEAST) {
    const room = this.viewport.clientWidth - 2;
    if (room <= 0 || !this.size[0]) return; // not on the page yet
    this.set(clamp(room / this.size[0], least, 1));
    this.fitted = true;
  }

  by(factor, x = this.viewport.clientWidth / 2, y = this.viewport.clientHeight / 2) {
    const before = this.scale;
    const [left, top] = [this.viewport.scrollLeft + x, this.viewport.scrollTop + y];
    this.set(clamp(before * factor, LEAST, MOST));
    const ratio = this.scale / before;
    this.viewport.scrollTo(left * ratio - x, top * ratio - y); // what is under the pointer stays there
    this.fitted = false;
  }

  set(scale) {
    this.scale = scale;
    this.content.style.transform = `scale(${scale})`;
    this.sizer.style.width = `${this.size[0] * scale}px`;
    this.sizer.style.height = `${this.size[1] * scale}px`;
    this.content.style.setProperty("--li-type", clamp(LEGIBLE / scale, 1, LARGEST_TYPE));
    this.viewport.classList.toggle("li-far", scale < 0.4);
    this.said.textContent = `${Math.round(scale * 100)} %`;
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // that scrolls
    event.preventDefault();
    const at = this.viewport.getBoundingClientRect();
    this.by(Math.exp(-clamp(event.deltaY, -60, 60) * 0.006), event.clientX - at.left, event.clientY - at.top);
  }

  drag(event) {
    if (event.button !== 0 || event.pointerType === "touch") return; // touch scrolls by itself
    const { clientX, clientY } = event;
    const { scrollLeft, scrollTop } = this.viewport;
    const ended = new AbortController();
    let moved = false;
    const move = (now) => {
      const [dx, dy] = [now.clientX - clientX, now.clientY - clientY];
      if (!moved && Math.hypot(dx, dy) < DRAG_FROM) return;
      moved = true;
      this.tip.hide();
      this.viewport.classList.add("li-dragged");
      this.viewport.scrollTo(scrollLeft - dx, scrollTop - dy);
    };
    const end = () => {
      ended.abort();
      this.viewport.classList.remove("li-dragged");
    };
    const view = this.viewport.ownerDocument.defaultView;
    view.addEventListener("pointermove", move, { signal: ended.signal });
    view.addEventListener("pointerup", end, { signal: ended.signal });
    view.addEventListener("pointercancel", end, { signal: ended.signal });
  }

  /** Scroll so that a box is seen, and nothing but the stage. */
  reveal(box) {
    const { viewport, scale } = this;
    const margin = 24;
    const along = (at, size, scrolled, room) => {
      const [first, last] = [at * scale - margin, (at + size) * scale + margin];
      return first < scrolled || last - first > room ? first : last > scrolled + room ? last - room : scrolled;
    };
    viewport.scrollTo(
      along(box.x, box.width, viewport.scrollLeft, viewport.clientWidth),
      along(box.y, box.height, viewport.scrollTop, viewport.clientHeight),
    );
  }

  /** Answer a key; return whether it was one of the stage's. */
  key(event) {
    if (pressed(event)) return false;
    if (event.key === "+" || event.key === "=") this.by(STEP);
    else if (event.key === "-" || event.key === "−") this.by(1 / STEP);
    else if (event.key === "0") this.fit();
    else return false;
    return true;
  }

  close() {
    this.observer.disconnect();
  }
}
