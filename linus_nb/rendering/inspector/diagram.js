// The diagram of one graph: boxes that are the options of a list, over a picture of its edges.

import { make, makeGlyph, makeSvg, pressed, seconds, shortened } from "./dom.js";
import { arrowOf, Neighbours } from "./places.js";
import { Stage } from "./zoom.js";

const LONGEST_LABEL = 24; // characters; a tip and the detail pane have the whole
const MOST_WITH_TIPS = 300; // edges: where there are more, those without a condition tell nothing that is not seen
const ENDED = ["completed", "failed", "skipped", "cancelled"];

export class Diagram {
  /** `acts`: what to do about `select(path)`, `open(path)`, `close()`, and `tipOf(path)`, the words of a tip. */
  constructor(acts, tip) {
    this.acts = acts;
    this.stage = new Stage(tip);
    this.boxes = new Map(); // path -> { node, box, line, status, text }
    this.edges = [];
    this.selected = null;
    this.stage.viewport.addEventListener("click", (event) => this.clicked(event));
    this.stage.viewport.addEventListener("dblclick", (event) => this.opened(event.target));
    tip.over(this.stage.viewport, ".li-node, .li-edge", (found) => this.tipOf(found));
  }

  show(graph, label) {
    this.graph = graph;
    this.neighbours = new Neighbours(graph);
    this.boxes.clear();
    this.selected = null;
    const list = make("div", "li-nodes");
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", label);
    list.setAttribute("aria-orientation", "horizontal");
    list.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("focusin", (event) => this.focused(event));
    graph.nodes.forEach((node, k) => list.append(this.box(node, k === 0)));
    this.stage.content.replaceChildren();
    this.stage.show(graph.width, graph.height); // before there is anything to lay out: it measures
    this.stage.content.append(this.picture(graph), ...graph.levels.map(heading), list);
  }

  /** Show what has become of the graph that is shown. Returns false where its nodes are not the same. */
  renew(graph) {
    const known = this.graph.nodes;
    const same = known.length === graph.nodes.length && graph.nodes.every((node, k) => isPlacedAs(known[k], node));
    if (!same) return false;
    this.graph = graph;
    for (const node of graph.nodes) {
      const shown = this.boxes.get(node.path);
      shown.box.classList.remove(`li-opens-${shown.node.opens}`);
      if (node.opens) shown.box.classList.add(`li-opens-${node.opens}`);
      shown.node = node;
    }
    this.stage.content.querySelector(".li-edges").replaceWith(this.picture(graph));
    return true;
  }

  box(node, first) {
    const box = make("div", `li-node is-pending${node.opens ? ` li-opens-${node.opens}` : ""}`);
    const name = make("span", "li-name");
    const line = make("span", "li-line", node.sub);
    name.append(makeGlyph("status"), make("bdi", "", node.name));
    box.append(name, line);
    box.setAttribute("role", "option");
    box.setAttribute("aria-selected", "false");
    box.tabIndex = first ? 0 : -1;
    for (const [side, at] of [["left", node.x], ["top", node.y], ["width", node.width], ["height", node.height]]) {
      box.style[side] = `${at}px`;
    }
    box.linusPath = node.path;
    this.boxes.set(node.path, { node, box, line, status: "pending", text: "" });
    return box;
  }

  picture(graph) {
    const svg = makeSvg("svg", { class: "li-edges", width: graph.width, height: graph.height, "aria-hidden": "true" });
    this.edges = graph.edges.map((edge) => {
      const { shaft, head, middle } = arrowOf(edge.d);
      const group = makeSvg("g", { class: "li-edge" });
      group.classList.toggle("li-critical", edge.critical);
      group.classList.toggle("li-conditional", Boolean(edge.text));
      if (edge.text || graph.edges.length <= MOST_WITH_TIPS) group.append(makeSvg("path", { class: "li-hit", d: edge.d }));
      group.append(makeSvg("path", { class: "li-shaft", d: shaft }), makeSvg("path", { class: "li-point", d: head }));
      const drawn = { edge, group, label: null, known: null };
      if (edge.text) {
        const [x, y] = edge.at ?? middle;
        drawn.label = makeSvg("text", { x, y: y + 3.5 });
        group.append(drawn.label);
      }
      group.linusEdge = drawn;
      return drawn;
    });
    // bold ones come last, so that they lie on top where edges meet
    svg.append(...[...this.edges].sort((a, b) => a.edge.critical - b.edge.critical).map(({ group }) => group));
    return svg;
  }

  /** Show what a node is doing. `moment`: status, words, since; `at`: the moment, for how long it has been running. */
  paint(path, moment, at) {
    const shown = this.boxes.get(path);
    if (!shown) return;
    if (shown.status !== moment.status) {
      shown.box.classList.replace(`is-${shown.status}`, `is-${moment.status}`);
      shown.status = moment.status;
    }
    const text = lineOf(shown.node, moment, at);
    if (shown.text === text) return;
    shown.text = text;
    shown.line.textContent = text;
    const opens = shown.node.opens ? ", Enter opens it" : "";
    shown.box.setAttribute("aria-label", `${shown.node.name}, ${moment.status}, ${text}${opens}`);
  }

  /** Show what is known of edges: a condition gives nothing before its source has ended. */
  paintEdges(statusOf) {
    for (const drawn of this.edges) {
      const { edge, group } = drawn;
      const known = ENDED.includes(statusOf(edge.source));
      const idle = statusOf(edge.target) === "skipped" || (known && edge.gave !== true && edge.gave !== null);
      group.classList.toggle("li-idle", idle);
      if (!drawn.label || drawn.known === known) continue;
      drawn.known = known;
      drawn.label.textContent = `${shortened(edge.text, LONGEST_LABEL)}${known ? answer(edge.gave) : ""}`;
    }
  }

  select(path, { focus = false } = {}) {
    const before = this.boxes.get(this.selected);
    before?.box.setAttribute("aria-selected", "false");
    this.selected = this.boxes.has(path) ? path : null;
    const shown = this.boxes.get(this.selected);
    if (!shown) return;
    for (const { box } of [this.tabbed(), shown]) box.tabIndex = -1;
    shown.box.tabIndex = 0;
    shown.box.setAttribute("aria-selected", "true");
    this.stage.reveal(shown.node);
    if (focus) shown.box.focus({ preventScroll: true });
  }

  tabbed() {
    return [...this.boxes.values()].find(({ box }) => box.tabIndex === 0);
  }

  focus() {
    (this.boxes.get(this.selected) ?? this.tabbed())?.box.focus({ preventScroll: true });
  }

  /** Let those stand out for which `isFound` holds; null ends it. */
  mark(isFound) {
    this.stage.content.classList.toggle("li-searched", isFound !== null);
    for (const { node, box } of this.boxes.values()) box.classList.toggle("li-found", Boolean(isFound?.(node)));
  }

  tipOf(found) {
    if (found.linusPath !== undefined) return this.acts.tipOf(found.linusPath, this.boxes.get(found.linusPath).text);
    const { edge, known } = found.linusEdge;
    const way = `${this.nameOf(edge.source)} → ${this.nameOf(edge.target)}`;
    if (!edge.text) return edge.critical ? `${way}\non the critical path` : way;
    return `${way}\nonly if ${edge.text}${known ? `: it gave ${gave(edge.gave)}` : ""}`;
  }

  nameOf(path) {
    return this.boxes.get(path)?.node.name ?? path;
  }

  clicked(event) {
    const box = event.target.closest(".li-node");
    if (box) this.acts.select(box.linusPath);
  }

  opened(target) {
    const path = target.closest(".li-node")?.linusPath;
    if (path !== undefined) this.acts.open(path);
  }

  focused(event) {
    const path = event.target.linusPath;
    if (path !== undefined && path !== this.selected && event.target.matches(":focus-visible")) this.acts.select(path);
  }

  key(event) {
    const path = event.target.linusPath;
    if (path === undefined || pressed(event)) return;
    if (event.key === "Enter") this.acts.open(path);
    else if (event.key === "Escape") this.acts.close();
    else {
      const next = this.neighbours.of(path, event.key);
      if (next === null && !event.key.startsWith("Arrow")) return;
      if (next !== null) {
        this.acts.select(next);
        this.focus();
      }
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

function isPlacedAs(one, other) {
  return ["path", "x", "y", "width", "height"].every((key) => one[key] === other[key]);
}

function heading({ x, text }) {
  const made = make("div", "li-level", text);
  made.setAttribute("aria-hidden", "true");
  made.style.left = `${x}px`;
  return made;
}

/** The line under a name: seconds so far while it runs, and otherwise the words of its last change. */
function lineOf(node, { status, words, since }, at) {
  if (status === "running" && since !== null) return [seconds(at - since), words].filter(Boolean).join(" · ");
  return words || node.sub;
}

/** What a condition gave, in one word. */
export function gave(value) {
  return value === true ? "yes" : value === false ? "no" : value === null ? "nothing, as it was not asked" : value;
}

function answer(value) {
  return value === null ? "" : value === true ? " ✓" : value === false ? " ✕" : " ✕ raised";
}
