// The search box: one line for names, statuses and limits; Enter walks through what was found.

import { grouped, make } from "./dom.js";
import { question } from "./search.js";

const HINT = "find a node, a status, “>1s”…";
const HELP = "Words of a name or an error, a status, slow, expensive, critical, retried, waited, >1s, >$0.01, "
  + ">1000 tokens; Enter goes to the next, Shift+Enter to the one before, Escape ends it";

export class Finder {
  /** `acts`: what to do about `mark(isFound)`, `select(path)`, `say(words)` and `leave()`. */
  constructor(run, acts) {
    this.run = run;
    this.acts = acts;
    this.found = [];
    this.at = -1;
    this.root = make("div", "li-find");
    this.box = make("input", "li-search");
    this.box.type = "search";
    this.box.placeholder = HINT;
    this.box.title = HELP;
    this.box.setAttribute("aria-label", "find nodes");
    this.box.spellcheck = false;
    this.box.autocomplete = "off";
    this.count = make("span", "li-found-count");
    this.root.append(this.box, this.count);
    this.box.addEventListener("input", () => this.search());
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  typed(text) {
    this.box.value = text;
    this.search();
    this.box.focus();
  }

  search() {
    const steps = [...this.run.steps.values()];
    const asked = question(this.box.value, steps);
    this.at = -1;
    this.found = asked ? steps.filter(asked).map((step) => step.path) : [];
    const seen = new Set(); // what was found, and all that it stands in
    for (const path of this.found) for (const around of this.run.trail(path)) seen.add(around);
    this.acts.mark(asked && ((node) => seen.has(node.path)));
    this.say(asked ? `${grouped(this.found.length)} found` : "");
  }

  /** Ask again: there are other steps, or they came to something else. */
  refresh() {
    if (!this.box.value) return;
    const current = this.found[this.at];
    this.search();
    this.at = this.found.indexOf(current);
  }

  say(words) {
    if (this.count.textContent === words) return;
    this.count.textContent = words;
    if (words) this.acts.say(words);
  }

  walk(by) {
    if (!this.found.length) return;
    this.at = this.at < 0 && by < 0 ? this.found.length - 1 : (this.at + by + this.found.length) % this.found.length;
    this.acts.select(this.found[this.at]);
    this.say(`${grouped(this.at + 1)} of ${grouped(this.found.length)}`);
  }

  key(event) {
    if (event.isComposing) return; // Enter and Escape belong to an input method
    if (event.key === "Enter") this.walk(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && this.box.value) this.typed("");
    else if (event.key === "Escape" || event.key === "ArrowDown") this.acts.leave();
    else return;
    event.preventDefault();
  }
}
