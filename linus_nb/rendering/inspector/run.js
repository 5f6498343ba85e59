// What is known of a run: its steps by path, and which graph each of them stands in.

import { gridOf } from "./places.js";

export class Run {
  constructor(payload) {
    this.payload = payload;
    this.steps = new Map(Object.entries(payload.steps)); // not the object itself: a node may be called "constructor"
    this.gather();
  }

  gather() {
    this.groups = new Map(); // path of a group in a folded graph -> its node
    this.groupOf = new Map();
    for (const node of this.payload.graph.nodes) {
      if (node.opens !== "group") continue;
      this.groups.set(node.path, node);
      for (const path of node.group) this.groupOf.set(path, node.path);
    }
  }

  take({ steps = {}, changes: _, changes_from: __, ...rest }) {
    Object.assign(this.payload, rest);
    for (const [path, step] of Object.entries(steps)) this.steps.set(path, step);
    if (rest.graph) this.gather();
  }

  /** The path of what one has to open to see a step; null where it stands in the outermost graph. */
  around(path) {
    return this.steps.get(path)?.parent ?? this.groupOf.get(path) ?? null;
  }

  /** The steps around a path, outermost first, and itself. */
  trail(path) {
    const found = [];
    for (let at = path; at !== null; at = this.around(at)) found.unshift(at);
    return found;
  }

  nameOf(path) {
    return this.steps.get(path)?.name ?? this.groups.get(path)?.name ?? path;
  }

  opens(path) {
    const step = this.steps.get(path);
    return this.groups.has(path) || Boolean(step?.graph || step?.children.length);
  }

  /** The steps that are seen where `path` is open; of the outermost graph for null. */
  inside(path) {
    const paths = path === null ? [...this.steps.values()].filter(({ parent }) => parent === null).map((step) => step.path)
      : this.groups.get(path)?.group ?? this.steps.get(path).children;
    return paths.map((one) => this.steps.get(one)).filter(Boolean);
  }

  graph(path) {
    if (path === null) return this.payload.graph;
    return this.steps.get(path)?.graph ?? gridOf(this.inside(path));
  }

  /** The edges of a step: whether each leads into it, and the step at its other end. */
  edgesOf(path) {
    const parent = this.steps.get(path)?.parent ?? null;
    const { edges } = parent === null ? this.payload.graph : this.steps.get(parent).graph ?? { edges: [] };
    return edges.filter((edge) => edge.source === path || edge.target === path).map((edge) => {
      const isInto = edge.target === path;
      return { edge, isInto, other: isInto ? edge.source : edge.target };
    });
  }

  /** The span of seconds that a timeline of what is inside `path` needs. */
  span(path, end) {
    const step = this.steps.get(path);
    if (!step || step.start_s === null) return [0, end];
    return [step.start_s, step.end_s ?? end];
  }
}
