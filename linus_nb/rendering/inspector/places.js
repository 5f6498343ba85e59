// Where things stand: the neighbours of a node for the arrow keys, curves with their heads, and grids of items.

const ARROW = 8;
const GRID = { width: 168, height: 50, gapX: 16, gapY: 14, margin: 18 };
export const MOST_IN_GRID = 600; // beyond, a grid is no picture: the search finds the rest

const middleX = (node) => node.x + node.width / 2;
const middleY = (node) => node.y + node.height / 2;

/** The nodes that the arrow keys lead to: along edges to the right and left, and up and down within a level. */
export class Neighbours {
  constructor(graph) {
    this.nodes = new Map(graph.nodes.map((node) => [node.path, node]));
    this.after = new Map();
    this.before = new Map();
    for (const edge of [...graph.edges].sort((a, b) => b.critical - a.critical)) { // the critical path is the main road
      this.join(this.after, edge.source, edge.target);
      this.join(this.before, edge.target, edge.source);
    }
    this.columns = this.gathered((node) => Math.round(middleX(node) / 8), middleY);
    this.rows = graph.edges.length ? null : this.gathered((node) => Math.round(middleY(node) / 8), middleX);
  }

  join(map, from, to) {
    if (!map.has(from)) map.set(from, []);
    map.get(from).push(to);
  }

  gathered(key, order) {
    const found = new Map();
    for (const node of this.nodes.values()) this.join(found, key(node), node);
    for (const line of found.values()) line.sort((a, b) => order(a) - order(b));
    const lineOf = new Map();
    for (const line of found.values()) line.forEach((node, at) => lineOf.set(node.path, { line, at }));
    return lineOf;
  }

  step(lines, path, by) {
    const { line, at } = lines.get(path);
    return line[at + by]?.path ?? null;
  }

  of(path, key) {
    switch (key) {
      case "ArrowUp": return this.step(this.columns, path, -1);
      case "ArrowDown": return this.step(this.columns, path, 1);
      case "ArrowRight": return this.rows ? this.step(this.rows, path, 1) : this.after.get(path)?.[0] ?? null;
      case "ArrowLeft": return this.rows ? this.step(this.rows, path, -1) : this.before.get(path)?.[0] ?? null;
      case "Home": return [...this.nodes.keys()][0];
      case "End": return [...this.nodes.keys()].at(-1);
      default: return null;
    }
  }
}

/** Lay out what has no edges of its own, items of a node or nodes of a group, as a grid that is read in rows. */
export function gridOf(steps) {
  const drawn = steps.slice(0, MOST_IN_GRID);
  const across = drawn.length <= 3 ? Math.max(1, drawn.length) : drawn.length <= 40 ? 4 : drawn.length <= 120 ? 6 : 10;
  const { width, height, gapX, gapY, margin } = GRID;
  const nodes = drawn.map((step, k) => ({
    path: step.path,
    name: step.name,
    sub: step.kind,
    opens: step.graph ? "graph" : step.children.length ? "items" : null,
    x: margin + (k % across) * (width + gapX),
    y: margin + Math.floor(k / across) * (height + gapY),
    width,
    height,
  }));
  const left = steps.length - drawn.length;
  return {
    width: 2 * margin + across * (width + gapX) - gapX,
    height: 2 * margin + Math.ceil(drawn.length / across) * (height + gapY) - gapY,
    levels: [],
    nodes,
    edges: [],
    folded: left ? { levels: [], text: `The first ${drawn.length} of ${steps.length}; the search finds the others.` } : null,
  };
}

/** Read a curve ("M…C…"): the shaft, which stops where the head begins, the head, and where a label stands. */
export function arrowOf(d) {
  const numbers = (d.match(/-?\d+(?:\.\d+)?(?:e-?\d+)?/gi) ?? []).map(Number);
  const points = [];
  for (let k = 0; k + 1 < numbers.length; k += 2) points.push([numbers[k], numbers[k + 1]]);
  if (points.length < 4 || (points.length - 1) % 3) return { shaft: d, head: "", middle: points[0] ?? [0, 0] };
  const [x1, y1] = points.at(-1);
  const [x0, y0] = points.at(-2);
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  const [bx, by] = [x1 - ux * ARROW, y1 - uy * ARROW];
  const wing = ARROW * 0.45;
  const place = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const piece = 3 * Math.floor((points.length - 1) / 6);
  const [a, b, c, e] = points.slice(piece, piece + 4);
  return {
    shaft: `M${place(points[0])}C${[...points.slice(1, -1), [bx, by]].map(place).join(" ")}`,
    head: `M${place([x1, y1])}L${place([bx - uy * wing, by + ux * wing])}L${place([bx + uy * wing, by - ux * wing])}Z`,
    middle: [0, 1].map((k) => (a[k] + 3 * b[k] + 3 * c[k] + e[k]) / 8),
  };
}
