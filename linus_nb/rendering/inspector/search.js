// What is typed into the search box, as a question to ask of each step. Words are joined by "and".

const UNITS = { us: 1e-6, "µs": 1e-6, ms: 1e-3, s: 1, sec: 1, min: 60, m: 60, h: 3600 };
const LIMIT = /([<>]=?)\s*(\$?)\s*([\d.,]+)\s*(tokens?|tok|µs|us|ms|min|sec|s|m|h|\$)?(?=\s|$)/gi;
const STATUSES = ["pending", "waiting", "running", "completed", "failed", "skipped", "cancelled"];
const TOP_SHARE = 0.1; // "slow" and "expensive" find a tenth of all, and three at least
const TOP_LEAST = 3;

export function durationOf(step) {
  return step.start_s === null || step.end_s === null ? null : step.end_s - step.start_s;
}

function top(steps, figure) {
  const figures = steps.map(figure).filter((value) => value > 0).sort((a, b) => b - a);
  const bound = figures[Math.min(figures.length, Math.max(TOP_LEAST, Math.ceil(figures.length * TOP_SHARE))) - 1];
  return (step) => bound !== undefined && figure(step) >= bound;
}

export function costOf(step) {
  return step.cost ?? 0;
}

function expensive(steps) {
  const priced = steps.some((step) => costOf(step) > 0);
  return top(steps, priced ? costOf : (step) => step.tokens);
}

const NAMED = {
  slow: (steps) => top(steps, (step) => durationOf(step) ?? 0),
  expensive,
  critical: () => (step) => step.critical,
  retried: () => (step) => step.attempts.length > 1,
  waited: () => (step) => step.waits.some((wait) => wait.why !== "inputs"),
};

function limit([, sign, dollarBefore, number, unit = ""]) {
  const bound = Number(number.replaceAll(",", ""));
  const word = unit.toLowerCase();
  const figure = dollarBefore || word === "$" ? (step) => step.cost
    : word.startsWith("tok") ? (step) => step.tokens
    : durationOf;
  const wanted = figure === durationOf ? bound * (UNITS[word] ?? 1) : bound;
  const holds = {
    ">": (value) => value > wanted,
    ">=": (value) => value >= wanted,
    "<": (value) => value < wanted,
    "<=": (value) => value <= wanted,
  }[sign];
  return (step) => {
    const value = figure(step);
    return value !== null && value !== undefined && holds(value);
  };
}

function textOf(step) {
  const error = step.error ? plainText(step.error.text) : "";
  return `${step.path}\n${step.name}\n${step.kind}\n${step.description}\n${step.reason}\n${error}`.toLowerCase();
}

export function plainText(value) {
  return typeof value === "string" ? value : value?.text ?? "";
}

/** Return a function that tells of a step whether it is meant; null where nothing is asked. */
export function question(typed, steps) {
  const asked = [];
  const rest = typed.replace(LIMIT, (...found) => {
    asked.push(limit(found));
    return " ";
  });
  for (const [, phrase, bare] of rest.matchAll(/"([^"]*)"?|(\S+)/g)) {
    const word = (phrase ?? bare).toLowerCase();
    if (!word) continue;
    const inText = (step) => textOf(step).includes(word);
    if (phrase === undefined && Object.hasOwn(NAMED, word)) {
      const named = NAMED[word](steps);
      asked.push((step) => named(step) || step.name.toLowerCase() === word);
    } else if (phrase === undefined && STATUSES.includes(word)) {
      asked.push((step) => step.status === word || step.name.toLowerCase() === word);
    } else {
      asked.push(inText);
    }
  }
  return asked.length ? (step) => asked.every((one) => one(step)) : null;
}
