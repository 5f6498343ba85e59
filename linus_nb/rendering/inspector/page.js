// The page: a diagram, a timeline and a slider on one side, what is known of one step on the other.

import { make, makeButton, makeGlyph, pressed, seconds } from "./dom.js";
import { Detail } from "./detail.js";
import { Diagram } from "./diagram.js";
import { Finder } from "./finder.js";
import { Moments } from "./moments.js";
import { overview } from "./overview.js";
import { Player } from "./player.js";
import { Run } from "./run.js";
import { Timeline } from "./timeline.js";
import { Tip } from "./tip.js";
import { spoken, tipLines } from "./words.js";

const TICK_MS = 250;
const TIMELINE_MS = 1000; // between two pictures of the timeline while a run goes on
const SILENT_MS = 6000; // the seconds of a run of which nothing was heard do not go on counting

export class Page {
  /**
   * `whole(path, where)`, where a kernel can be asked: a promise of the text of a value that is cut here.
   * `selected(path)` is told which step was chosen; `stop()`, where it can, ends the run.
   */
  constructor(el, payload, { whole = null, selected = () => {}, stop = null } = {}) {
    this.told = selected;
    this.stopButton = stop && makeButton("li-stop", "■ Stop", "Stop the run; what is done is kept", () => {
      this.stopButton.disabled = true;
      stop();
    });
    this.run = new Run(payload);
    this.moments = new Moments([...payload.changes]);
    this.at = 0;
    this.container = null; // the path of what is open
    this.selected = null;
    this.arrived = performance.now();
    this.drawn = 0; // when the timeline was
    this.build(el, whole);
    this.open(null);
    this.showAbout();
    if (payload.selected) this.select(payload.selected);
    this.tick();
    this.clock = setInterval(() => this.payload.state === "running" && this.tick(), TICK_MS);
  }

  get payload() {
    return this.run.payload;
  }

  build(el, whole) {
    this.root = make("div", "linus-inspector mathjax_ignore tex2jax_ignore");
    this.root.setAttribute("data-lm-suppress-shortcuts", "true"); // or JupyterLab would take an x for "cut this cell"
    this.frame = make("div", "li-frame");
    this.tip = new Tip(this.root);
    const acts = {
      select: (path) => this.select(path),
      open: (path) => this.enter(path),
      close: () => this.leave(),
      tipOf: (path, line) => this.tipOf(path, line),
      mark: (isFound) => this.mark(isFound),
      search: (typed) => this.finder.typed(typed),
      say: (words) => this.say(words),
      leave: () => this.diagram.focus(),
      whole,
    };
    this.acts = acts;
    this.head = make("div", "li-head");
    this.headline = make("div", "li-headline");
    this.head.append(this.headline);
    if (this.stopButton) this.head.append(this.stopButton);
    this.diagram = new Diagram(acts, this.tip);
    this.timeline = new Timeline(acts, this.tip);
    this.player = new Player((at) => this.moveTo(at));
    this.finder = new Finder(this.run, acts);
    this.detail = new Detail(acts, this.run);
    this.crumbs = make("nav", "li-crumbs");
    this.crumbs.setAttribute("aria-label", "what is open");
    this.folded = make("p", "li-muted li-folded");
    this.heard = make("div", "li-heard");
    this.heard.setAttribute("role", "status");
    const tools = make("div", "li-tools");
    const [left, above, below] = ["li-left", "li-above", "li-below"].map((name) => make("div", name));
    this.right = make("div", "li-right");
    const scrolled = make("div", "li-scrolled");
    this.right.append(scrolled);
    this.about = scrolled;
    tools.append(this.finder.root, this.diagram.stage.buttons);
    above.append(tools, this.crumbs, this.folded, this.diagram.stage.viewport);
    below.append(this.timeline.root, this.player.root);
    left.append(above, below);
    this.frame.append(this.head, left, this.right, this.heard);
    this.root.append(this.frame);
    this.root.addEventListener("keydown", (event) => this.key(event));
    el.append(this.root);
  }

  showHead() {
    const { title, status, schedule, duration_s: duration, facts, state } = this.payload;
    const now = state === "running" ? this.now() : duration;
    const word = state === "before" ? "not run yet" : status;
    const said = make("span", `li-status is-${status}`, ` ${word}`);
    const parts = [state === "before" ? "" : schedule, state === "before" ? "" : seconds(now), ...facts].filter(Boolean);
    const name = make("h2", "li-title");
    name.append(make("bdi", "", title), " ", makeGlyph(status), said);
    this.headline.replaceChildren(name, make("span", "li-facts", parts.join(" · ")));
    this.frame.classList.toggle("li-timed", state !== "before"); // there is a timeline
    if (this.stopButton) this.stopButton.hidden = state !== "running";
  }

  showAbout() {
    const step = this.run.steps.get(this.selected);
    if (step) {
      this.detail.show(step);
      this.detail.showHead(this.moments.of(step.path).status);
    }
    const shown = step ? this.detail.root : overview(this.run, this.acts);
    if (this.about.firstChild !== shown) this.about.replaceChildren(shown);
    this.right.classList.toggle("li-has-step", Boolean(step));
  }

  /** Show the graph that stands in `path`; null for the outermost. */
  open(path) {
    this.container = path;
    const graph = this.run.graph(path);
    const label = `nodes of ${path === null ? this.payload.title : path}`;
    this.diagram.show(graph, label);
    this.folded.textContent = graph.folded?.text ?? "";
    this.folded.hidden = !graph.folded;
    this.showCrumbs();
    this.showTimeline();
    this.paintAll();
    this.finder.refresh();
  }

  showCrumbs() {
    const crumbs = [null, ...this.run.trail(this.container)];
    this.crumbs.hidden = crumbs.length < 2;
    this.crumbs.replaceChildren(...crumbs.flatMap((path, k) => {
      const name = path === null ? this.payload.title : this.run.nameOf(path);
      if (k === crumbs.length - 1) return [make("span", "li-here", name)];
      return [makeButton("li-link", name, "", () => this.backTo(path, crumbs[k + 1])), " › "];
    }));
    if (crumbs.length > 1) this.crumbs.append(makeButton("li-icon li-close", "✕", "Close (Escape)", () => this.leave()));
  }

  backTo(path, from) {
    this.open(path);
    this.select(from);
    this.diagram.focus();
  }

  /** Open what a step holds, or go to what is known of it. */
  enter(path) {
    if (!this.run.opens(path)) {
      this.select(path);
      this.detail.focus();
      return;
    }
    this.open(path);
    const first = this.diagram.graph.nodes[0];
    if (first) this.select(first.path);
    this.diagram.focus();
    this.say(`${this.run.nameOf(path)} is open, Escape closes it. ${this.heard.textContent}`);
  }

  leave() {
    if (this.container !== null) return this.backTo(this.run.around(this.container), this.container);
    return this.select(null);
  }

  select(path) {
    if (path === this.selected) return;
    this.selected = path;
    this.told(path);
    if (path !== null && this.run.around(path) !== this.container) this.open(this.run.around(path));
    this.diagram.select(path);
    this.timeline.select(path);
    this.showAbout();
    this.about.scrollTop = 0;
    const step = this.run.steps.get(path);
    this.say(step ? spoken(step, this.moments.of(path).status) : path === null ? "no node is chosen" : this.run.nameOf(path));
  }

  say(words) {
    this.heard.textContent = words;
  }

  mark(isFound) {
    this.diagram.mark(isFound);
    this.timeline.mark(isFound);
  }

  tipOf(path, line) {
    const step = this.run.steps.get(path);
    return step ? tipLines(step, this.moments.of(path).status, line).join("\n") : `${this.run.nameOf(path)}\n${line}`;
  }

  /** Show what has become of the graph that is open, and leave who looks at it where they are. */
  renewGraph() {
    if (this.diagram.renew(this.run.graph(this.container))) return this.paintAll();
    const isUsed = this.diagram.stage.viewport.contains(this.root.ownerDocument.activeElement);
    this.open(this.container);
    this.diagram.select(this.selected);
    if (isUsed) this.diagram.focus();
    return undefined;
  }

  /** Show the detail pane anew, and leave who reads it where they are. */
  renewAbout() {
    const { scrollTop } = this.about;
    const isRead = this.about.contains(this.root.ownerDocument.activeElement);
    if (isRead && this.selected === null) return;
    this.showAbout();
    this.about.scrollTop = scrollTop;
    if (isRead) this.detail.focus();
  }

  // ---- moments

  now() {
    return this.payload.duration_s + Math.min(performance.now() - this.arrived, SILENT_MS) / 1000;
  }

  /** Let the clock of a run that goes on tick. */
  tick() {
    const running = this.payload.state === "running";
    this.showHead();
    this.player.setEnd(running ? this.now() : this.payload.duration_s);
    if (running && performance.now() - this.drawn > TIMELINE_MS) this.showTimeline();
  }

  showTimeline() {
    this.drawn = performance.now();
    const end = this.payload.state === "running" ? this.now() : this.payload.duration_s;
    this.timeline.show(this.run.inside(this.container), ...this.run.span(this.container, end));
    this.paintTimeline(this.timeline.rows.keys());
    this.finder.refresh();
  }

  moveTo(at) {
    this.at = at;
    const touched = this.moments.goTo(this.player.atEnd ? Infinity : at);
    this.timeline.move(this.player.atEnd ? null : at);
    if (touched === null) return this.paintAll();
    this.paintTimeline(touched);
    for (const [path, { status }] of this.diagram.boxes) {
      if (status === "running" || touched.has(path) || (this.run.groups.has(path) && touched.size)) this.paint(path);
    }
    if (touched.size) this.diagram.paintEdges((path) => this.momentOf(path).status);
    if (touched.has(this.selected)) this.detail.showHead(this.moments.of(this.selected).status);
    return undefined;
  }

  momentOf(path) {
    const group = this.run.groups.get(path);
    return group ? this.moments.ofGroup(group.group) : this.moments.of(path);
  }

  paint(path) {
    this.diagram.paint(path, this.momentOf(path), this.at);
  }

  paintTimeline(paths) {
    for (const path of paths) this.timeline.paint(path, this.moments.of(path).status);
  }

  paintAll() {
    for (const path of this.diagram.boxes.keys()) this.paint(path);
    this.paintTimeline(this.timeline.rows.keys());
    this.diagram.paintEdges((path) => this.momentOf(path).status);
    if (this.run.steps.has(this.selected)) this.detail.showHead(this.moments.of(this.selected).status);
  }

  // ---- news and keys

  /** Take what the kernel tells of a run that goes on. */
  take(news) {
    this.arrived = performance.now();
    this.run.take(news);
    if (news.changes) this.moments.add(news.changes, news.changes_from);
    const isNew = this.container === null ? news.graph : news.steps?.[this.container];
    if (isNew) this.renewGraph();
    if (news.state && news.state !== "running") this.showTimeline();
    this.tick();
    if (this.selected === null || (news.steps && Object.hasOwn(news.steps, this.selected))) this.renewAbout();
    this.finder.refresh();
  }

  key(event) {
    if (pressed(event)) return; // those are the browser's, and JupyterLab's
    event.stopPropagation();
    const typing = event.target.matches("input:not([type=range]), select, textarea");
    const isButton = event.target.matches("button");
    if (typing) return;
    if (event.key === " " && !isButton) this.player.toggle();
    else if (event.key === "/") this.finder.box.focus();
    else if (event.key === "Escape") this.escape();
    else if (!this.diagram.stage.key(event)) return;
    event.preventDefault();
  }

  /** Go from the detail pane back to the node that it is about. */
  escape() {
    if (this.right.contains(this.root.ownerDocument.activeElement)) this.diagram.focus();
    else this.leave();
  }

  close() {
    clearInterval(this.clock);
    this.player.stop();
    this.diagram.stage.close();
    this.root.remove();
  }
}
