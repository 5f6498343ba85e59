// What the detail pane shows of the run as a whole, while no step is chosen.

import { dollars, make, makeButton, makeGlyph, plural, seconds } from "./dom.js";
import { heading, note } from "./boxes.js";
import { costOf, durationOf } from "./search.js";
import { countsOf } from "./words.js";

const MOST = 5;
const KEYS = "Enter opens what is inside, Escape closes it, / finds, space plays, + − 0 zoom.";

/** `acts`: what to do about `select(path)` and `search(typed)`. */
export function overview(run, acts) {
  const root = make("div", "li-about");
  const { payload } = run;
  const steps = [...run.steps.values()];
  root.append(make("h3", "li-title", "the whole run"));
  if (payload.sentence) root.append(make("p", "li-sentence", payload.sentence));
  if (payload.schedule_note) root.append(note(payload.schedule_note));

  const counts = make("div", "li-counts");
  for (const { status, text } of countsOf(steps)) {
    const button = makeButton("li-count", "", "", () => acts.search(status));
    button.append(makeGlyph(status), ` ${text}`);
    counts.append(button);
  }
  if (steps.length) root.append(heading("steps by status (click to find)"), counts);

  const leaves = steps.filter((step) => !step.children.length);
  const wrong = steps.filter((step) => step.status === "failed");
  const parts = [
    ["failed", wrong.slice(0, MOST), (step) => step.reason || (step.error ? "" : "failed")],
    ["slowest", longest(leaves, durationOf), (step) => seconds(durationOf(step))],
    ["most expensive", longest(leaves, costOf), (step) => dollars(costOf(step))],
  ];
  for (const [title, found, figure] of parts) {
    if (!found.length) continue;
    const list = make("ul", "li-top");
    for (const step of found) {
      const item = make("li");
      const link = makeButton("li-link", "", "", () => acts.select(step.path));
      link.append(makeGlyph(step.status), " ", make("bdi", "", step.path));
      item.append(link, make("span", "li-muted", ` ${figure(step)}`));
      list.append(item);
    }
    root.append(heading(title), list);
  }
  const size = payload.state === "before" ? `${plural(steps.length, "step")}, not run yet. ` : "";
  root.append(note(`${size}Choose a node by a click or by the arrow keys. ${KEYS}`));
  return root;
}

function longest(steps, figure) {
  return steps.filter((step) => figure(step) > 0).sort((a, b) => figure(b) - figure(a)).slice(0, MOST);
}
