// What every node is doing at a moment of the run: a fold of its changes of status, and of nothing else.

import { grouped } from "./dom.js";

const PENDING = { status: "pending", words: "", since: null };

// which status a group of nodes is given: the first of these that one of them has
const TELLING = ["failed", "running", "waiting", "cancelled", "completed", "skipped", "pending"];

export class Moments {
  constructor(changes) {
    this.changes = changes;
    this.rewind();
  }

  rewind() {
    this.taken = 0; // changes that are in `now`
    this.now = new Map();
  }

  /** Go to a moment, and return the paths of what looks otherwise than before; null for everything. */
  goTo(at) {
    const back = this.taken > 0 && this.changes[this.taken - 1][0] > at;
    if (back) this.rewind();
    const touched = new Set();
    for (; this.taken < this.changes.length && this.changes[this.taken][0] <= at; this.taken += 1) {
      const [since, path, status, words] = this.changes[this.taken];
      this.now.set(path, { status, words, since });
      touched.add(path);
    }
    return back ? null : touched;
  }

  /** Put in changes from a place on: the kernel may tell some again. */
  add(changes, from) {
    this.changes = this.changes.slice(0, from).concat(changes);
    if (this.taken > from) this.rewind();
  }

  of(path) {
    return this.now.get(path) ?? PENDING;
  }

  /** What a group of nodes is doing, counted: as one status that tells most, and in words. */
  ofGroup(paths) {
    const counts = new Map();
    for (const path of paths) {
      const { status } = this.of(path);
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    const found = TELLING.filter((status) => counts.has(status));
    const mixed = found[0] === "completed" && counts.has("pending"); // begun, and between two nodes
    const words = found.filter((status) => status !== "pending" || found.length === 1);
    return {
      status: mixed ? "running" : found[0] ?? "pending",
      words: words.map((status) => `${grouped(counts.get(status))} ${status}`).join(" · "),
      since: null,
    };
  }
}
