// The detail pane: what one step got, gave, called and tried, in tabs.

import { capital, grouped, make, makeButton, makeGlyph, plural, seconds } from "./dom.js";
import { heading, note, table, valueBox } from "./boxes.js";
import { callsPanel } from "./calls.js";
import { gave } from "./diagram.js";
import { durationOf } from "./search.js";
import { Tabs } from "./tabs.js";
import { countsOf, placeInPath, spent, waitedFor } from "./words.js";

export class Detail {
  /** `acts`: what to do about `open(path)`, `select(path)` and `whole(path, where)`; `run`: what is known of it. */
  constructor(acts, run) {
    this.acts = acts;
    this.run = run;
    this.tab = null; // the one chosen by hand stays chosen for the next step
    this.root = make("div", "li-about");
  }

  show(step) {
    this.step = step;
    const titles = [
      ["values", "Values"],
      ["calls", step.calls.length ? `Calls ${grouped(step.calls.length)}` : "Calls"],
      ["attempts", step.attempts.length ? `Attempts ${grouped(step.attempts.length)}` : "Attempts"],
      ["state", "State"],
      ["error", "Error", Boolean(step.error)],
    ];
    this.tabs = new Tabs(`about ${step.name}`, titles, (name) => this.panel(name), (name) => { this.tab = name; });
    const chosenByHand = this.tab;
    this.tabs.choose(chosenByHand ?? (step.error ? "error" : "values"));
    if (chosenByHand === null) this.tab = null;
    this.head = make("div", "li-about-head");
    this.root.replaceChildren(this.head, this.tabs.list, this.tabs.panel);
    this.showHead(step.status);
  }

  /** Show the head as of a moment: `status` may be another than that at the end. */
  showHead(status) {
    const { step, head } = this;
    const title = make("h3", "li-title");
    const duration = durationOf(step);
    const ended = status === step.status;
    const facts = [
      ended && duration !== null ? seconds(duration) : "",
      step.parent === null ? `level ${step.level + 1}` : "",
      ended ? placeInPath(step) : "",
      ...(ended ? spent(step) : []),
    ];
    title.append(make("bdi", "", step.name), " ", makeGlyph(status), make("span", `li-status is-${status}`, ` ${status}`));
    title.append(make("span", "li-facts", ` ${facts.filter(Boolean).join(", ")}`));
    head.replaceChildren(title);
    if (step.description) head.append(make("p", "li-muted", step.description));
    const inside = step.children.map((path) => this.run.steps.get(path)).filter(Boolean);
    if (inside.length) {
      const what = countsOf(inside).map(({ text }) => text).join(", ");
      head.append(makeButton("li-open", `Open: ${what} inside`, "", () => this.acts.open(step.path)));
    }
  }

  focus() {
    this.tabs?.focus();
  }

  panel(name) {
    return {
      values: () => this.values(),
      calls: () => callsPanel(this.step, (where) => this.whole(where)),
      attempts: () => this.attempts(),
      state: () => this.state(),
      error: () => this.error(),
    }[name]();
  }

  whole(where) {
    return this.acts.whole ? () => this.acts.whole(this.step.path, where) : null;
  }

  box(value, where, label = "") {
    return valueBox(value, { label, whole: this.whole(where) });
  }

  values() {
    const { input, output, status, reason } = this.step;
    const parts = [];
    if (reason && status === "skipped") parts.push(heading("skipped because"), valueBox(reason));
    if (input !== null) parts.push(heading("input"), this.box(input, ["input"]));
    if (output !== null) parts.push(heading("output"), this.box(output, ["output"]));
    return parts.length ? parts : [note("It got nothing and gave nothing.")];
  }

  attempts() {
    const { attempts, waits } = this.step;
    const parts = [];
    if (waits.length) {
      const rows = waits.map(({ why, start_s: start, end_s: end }) => [
        waitedFor(why), seconds(start), end === null ? "still" : seconds(end - start),
      ]);
      parts.push(heading("waited"), table(["for", "from", "long"], rows));
    }
    if (attempts.length) {
      const rows = attempts.map(({ number, start_s: start, end_s: end, error }) => [
        String(number), seconds(start), end === null ? "–" : seconds(end - start), error || "✓ no error",
      ]);
      parts.push(heading(plural(attempts.length, "attempt")), table(["no.", "from", "took", "ended with"], rows));
    }
    return parts.length ? parts : [note("It did not run.")];
  }

  state() {
    const { reads, writes, path } = this.step;
    const parts = [];
    const keys = (kind, entries) => {
      if (!entries.length) return;
      parts.push(heading(kind));
      entries.forEach(({ key, value }, k) => parts.push(this.box(value, [kind, k, "value"], key)));
    };
    keys("reads", reads);
    keys("writes", writes);
    const edges = this.run.edgesOf(path);
    if (edges.length) {
      parts.push(heading("edges"), table(null, edges.map(({ edge, other, isInto }) => [
        isInto ? "from" : "to",
        makeButton("li-link", this.run.steps.get(other)?.name ?? other, "", () => this.acts.select(other)),
        edge.text ? `only if ${edge.text}: ${gave(edge.gave)}` : "",
      ])));
    }
    return parts.length ? parts : [note("It reads and writes no key of the state.")];
  }

  error() {
    const { error, reason, status, attempts } = this.step;
    if (!error && reason) return [heading(`${capital(status)} because`), valueBox(reason)];
    if (!error) return [note(attempts.some((one) => one.error) ? "An attempt failed; the last one did not." : "No error.")];
    const parts = [heading("error"), this.box(error.text, ["error", "text"])];
    if (error.traceback) parts.push(heading("traceback"), this.box(error.traceback, ["error", "traceback"]));
    return parts;
  }
}
