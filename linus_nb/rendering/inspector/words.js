// What is said of a step, for tips, for labels that are heard, and for the head of the detail pane.

import { dollars, grouped, plural, seconds, shortened } from "./dom.js";
import { durationOf, plainText } from "./search.js";

const WAITED_FOR = { inputs: "inputs", limit: "a limit", retry: "another attempt", turn: "its turn",
  "model limit": "a limit on model calls", "model retry": "another try of a model call" };

export function waitedFor(why) {
  return WAITED_FOR[why] ?? why;
}

/** Seconds that a step waited, by what for; in the order of their beginning. */
export function waitsOf(step) {
  const total = new Map();
  for (const wait of step.waits.filter((one) => one.end_s !== null)) {
    total.set(wait.why, (total.get(wait.why) ?? 0) + wait.end_s - wait.start_s);
  }
  return [...total].filter(([, length]) => length > 0);
}

export function spent(step) {
  return [
    step.llm_calls ? plural(step.llm_calls, "model call") : "",
    step.tokens ? plural(step.tokens, "token") : "",
    step.cost ? dollars(step.cost) : "",
  ].filter(Boolean);
}

export function firstLine(text) {
  return shortened(plainText(text).split("\n", 1)[0], 160);
}

/** The lines of a tip: `status` and `line` are those of the moment that is shown. */
export function tipLines(step, status, line) {
  const duration = durationOf(step);
  return [
    step.path,
    step.description ? firstLine(step.description) : "",
    `${status}${line && line !== status ? `: ${line}` : ""}`,
    duration === null ? "" : `${seconds(step.start_s)} to ${seconds(step.end_s)}: ran ${seconds(duration)}`,
    ...waitsOf(step).map(([why, length]) => `waited ${seconds(length)} for ${waitedFor(why)}`),
    step.attempts.length > 1 ? plural(step.attempts.length, "attempt") : "",
    spent(step).join(" · "),
    placeInPath(step),
    step.error ? firstLine(step.error.text) : "",
    step.status === "skipped" && step.reason ? firstLine(step.reason) : "",
  ].filter(Boolean);
}

export function placeInPath(step) {
  if (step.critical) return "on the critical path";
  return step.slack_s ? `slack ${seconds(step.slack_s)}` : "";
}

/** One sentence for those who hear it. */
export function spoken(step, status) {
  const duration = durationOf(step);
  const facts = [
    `${step.name}, ${status}`,
    duration === null ? "" : seconds(duration),
    ...waitsOf(step).map(([why, length]) => `waited ${seconds(length)} for ${waitedFor(why)}`),
    placeInPath(step),
    step.calls.length ? plural(step.calls.length, "call") : "",
    step.error ? firstLine(step.error.text) : "",
  ];
  return facts.filter(Boolean).join(", ");
}

export function countsOf(steps) {
  const counts = new Map();
  for (const { status } of steps) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => ({ status, text: `${grouped(count)} ${status}` }));
}
