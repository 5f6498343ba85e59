// When each step waited and ran: a row for each that did, over one axis of seconds, and a curtain over what is to come.

import { make, plural, pressed } from "./dom.js";
import { spoken } from "./words.js";

const WIDEST_AXIS_STEPS = 9;
const MOST_ROWS = 600; // of more, the longest are shown

export class Timeline {
  /** `acts`: what to do about `select(path)`, `open(path)`, `close()`, and `tipOf(path)`, the words of a tip. */
  constructor(acts, tip) {
    this.acts = acts;
    this.root = make("div", "li-timeline");
    this.scroller = make("div", "li-rows");
    this.list = make("div", "li-bars");
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "timeline");
    this.grid = make("div", "li-grid");
    this.curtain = make("div", "li-curtain");
    this.axis = make("div", "li-axis");
    for (const part of [this.grid, this.curtain, this.axis]) part.setAttribute("aria-hidden", "true");
    const sheet = make("div", "li-sheet"); // what scrolls: grid and curtain are as high as all rows
    sheet.append(this.grid, this.list, this.curtain);
    this.scroller.append(sheet);
    this.note = make("span", "li-note");
    this.legend = make("div", "li-legend");
    this.root.append(this.scroller, this.axis, this.legend);
    this.rows = new Map(); // path -> { row, status }
    this.selected = null;
    this.list.addEventListener("click", (event) => this.pick(event.target.closest(".li-row")));
    this.list.addEventListener("dblclick", (event) => this.acts.open(event.target.closest(".li-row")?.linusPath));
    this.list.addEventListener("keydown", (event) => this.key(event));
    tip.over(this.list, ".li-row", (row) => acts.tipOf(row.linusPath, ""));
  }

  /** Show those of `steps` that waited or ran, between two moments. */
  show(steps, from, to) {
    const began = steps.filter((step) => step.start_s !== null || step.waits.length);
    const shown = longest(began, to);
    this.note.textContent = shown.length < began.length ? `The ${MOST_ROWS} longest of ${plural(began.length, "node")}.` : "";
    const focused = this.list.contains(this.list.ownerDocument.activeElement);
    this.from = from;
    this.step = axisStep(to - from);
    this.span = this.step * Math.max(1, Math.ceil((to - from) / this.step - 1e-9));
    this.to = to;
    this.rows.clear();
    this.list.replaceChildren(...shown.map((step, k) => this.row(step, k === 0)));
    this.root.hidden = shown.length === 0;
    this.legend.replaceChildren(...keysOf(this.list), this.note);
    this.showAxis();
    if (this.selected !== null) this.select(this.selected);
    if (focused) this.focus();
  }

  share(at) {
    return `${(100 * Math.min(Math.max(at - this.from, 0), this.span)) / this.span}%`;
  }

  row(step, first) {
    const row = make("div", "li-row");
    const name = make("span", "li-row-name");
    const track = make("span", "li-track");
    name.append(make("bdi", "", step.name));
    for (const wait of step.waits) {
      this.bar(track, `li-wait${wait.why === "inputs" ? " li-inputs" : ""}`, wait.start_s, wait.end_s ?? this.to);
    }
    if (step.start_s !== null) {
      const end = step.end_s ?? this.to;
      for (const [a, b] of without(step.waits, step.start_s, end)) this.bar(track, "li-ran", a, b);
      if (step.slack_s && !step.critical) this.bar(track, "li-slack", end, end + step.slack_s);
    }
    row.classList.toggle("li-critical", step.critical);
    row.classList.add(`is-${step.status}`);
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", "false");
    row.setAttribute("aria-label", spoken(step, step.status));
    row.tabIndex = first ? 0 : -1;
    row.append(name, track);
    row.linusPath = step.path;
    this.rows.set(step.path, { row, status: step.status });
    return row;
  }

  bar(track, className, start, end) {
    const bar = make("span", className);
    bar.style.left = this.share(start);
    bar.style.width = `calc(${this.share(end)} - ${this.share(start)})`;
    track.append(bar);
  }

  showAxis() {
    const ticks = Math.round(this.span / this.step);
    this.grid.replaceChildren();
    this.axis.replaceChildren();
    for (let k = 0; k <= ticks; k += 1) {
      const at = this.from + k * this.step;
      const line = make("span", "li-grid-line");
      const label = make("span", "li-tick", tickLabel(at, this.step));
      line.style.left = label.style.left = this.share(at);
      this.grid.append(line);
      this.axis.append(label);
    }
  }

  paint(path, status) {
    const shown = this.rows.get(path);
    if (!shown || shown.status === status) return;
    shown.row.classList.replace(`is-${shown.status}`, `is-${status}`);
    shown.status = status;
  }

  /** Draw the curtain from a moment on; null takes it away. */
  move(at) {
    this.curtain.hidden = at === null;
    if (at !== null) this.curtain.style.setProperty("--li-at", this.share(at));
  }

  select(path) {
    const before = this.rows.get(this.selected);
    if (before) before.row.setAttribute("aria-selected", "false");
    this.selected = path;
    const shown = this.rows.get(path);
    if (!shown) return;
    for (const { row } of this.rows.values()) if (row.tabIndex === 0) row.tabIndex = -1;
    shown.row.tabIndex = 0;
    shown.row.setAttribute("aria-selected", "true");
    const [top, height] = [shown.row.offsetTop, shown.row.offsetHeight];
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + height > scrollTop + clientHeight) this.scroller.scrollTop = top + height - clientHeight;
  }

  focus() {
    this.rows.get(this.selected)?.row.focus({ preventScroll: true });
  }

  mark(isFound) {
    this.list.classList.toggle("li-searched", isFound !== null);
    for (const [path, { row }] of this.rows) row.classList.toggle("li-found", Boolean(isFound?.({ path })));
  }

  pick(row) {
    if (!row) return;
    this.acts.select(row.linusPath);
    row.focus({ preventScroll: true });
  }

  key(event) {
    const row = event.target;
    if (row.linusPath === undefined || pressed(event)) return;
    const next = {
      ArrowDown: () => row.nextElementSibling,
      ArrowUp: () => row.previousElementSibling,
      Home: () => this.list.firstElementChild,
      End: () => this.list.lastElementChild,
    }[event.key];
    if (next) this.pick(next());
    else if (event.key === "Enter") this.acts.open(row.linusPath);
    else if (event.key === "Escape") this.acts.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** The step of an axis that is easy to read. */
export function axisStep(length) {
  if (length <= 0) return 0.001;
  const power = 10 ** Math.floor(Math.log10(length));
  return [0.1, 0.2, 0.5, 1, 2, 5].map((share) => share * power).find((step) => length / step <= WIDEST_AXIS_STEPS);
}

/** The label of a tick, in the unit that its step is easy to read in. */
export function tickLabel(at, step) {
  const [unit, factor] = step >= 0.01 ? ["s", 1] : step >= 0.0001 ? ["ms", 1e3] : ["µs", 1e6];
  return `${(at * factor).toFixed(Math.max(0, -Math.floor(Math.log10(step * factor) + 1e-9)))} ${unit}`;
}

/** The parts of a span in which nothing was waited for. */
function without(waits, start, end) {
  const parts = [];
  let at = start;
  for (const wait of [...waits].sort((a, b) => a.start_s - b.start_s)) {
    const until = wait.end_s ?? end;
    if (until <= at || wait.start_s >= end) continue;
    if (wait.start_s > at) parts.push([at, wait.start_s]);
    at = until;
  }
  if (at < end || !parts.length) parts.push([Math.min(at, end), end]);
  return parts;
}

function longest(steps, now) {
  if (steps.length <= MOST_ROWS) return steps;
  const length = (step) => (step.end_s ?? now) - (step.start_s ?? step.end_s ?? now);
  const bound = steps.map(length).sort((a, b) => b - a)[MOST_ROWS - 1];
  return steps.filter((step) => length(step) >= bound).slice(0, MOST_ROWS);
}

/** What the bars of a list mean, as far as there are such. */
function keysOf(list) {
  const kinds = [
    [".li-row:not(.li-critical) .li-ran", "li-ran", "ran"],
    [".li-wait:not(.li-inputs)", "li-wait", "waited"],
    [".li-inputs", "li-wait li-inputs", "waited for inputs"],
    [".li-slack", "li-slack", "slack"],
    [".li-critical .li-ran", "li-ran li-critical", "critical path"],
  ];
  return kinds.filter(([selector]) => list.querySelector(selector)).map(([, className, text]) => {
    const key = make("span", "li-key");
    key.append(make("i", className), text);
    return key;
  });
}
