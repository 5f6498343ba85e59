// The calls of a step, to models and to tools: a line for each, and the words of the one that is chosen.

import { dollars, grouped, make, seconds, shortened } from "./dom.js";
import { heading, note, valueBox } from "./boxes.js";

const MOST_LISTED = 200;
const FROM = { cache: "from the cache", script: "from a script" };

function line(call) {
  const length = call.end_s === null ? "" : seconds(call.end_s - call.start_s);
  const about = call.estimated ? "about " : "";
  const facts = call.kind === "model"
    ? [call.name, length, `${about}${grouped(call.input_tokens)} → ${grouped(call.output_tokens)} tokens`,
      call.cost === null ? "" : dollars(call.cost), FROM[call.served_from] ?? "",
      call.instead_of ? `instead of ${call.instead_of}` : "", call.attempt > 1 ? `try ${call.attempt}` : "",
      call.waited_s > 0 ? `waited ${seconds(call.waited_s)}` : ""]
    : ["tool", length, oneLine(call.arguments?.text ?? "")];
  return facts.filter(Boolean).join(" · ");
}

function oneLine(text) {
  return shortened(text.replace(/\s+/g, " "), 120);
}

/** `whole(where)` gives what `valueBox` asks for a value that is cut. */
export function callsPanel(step, whole) {
  if (!step.calls.length) return [note(step.start_s === null ? "It did not run." : "It called no model and no tool.")];
  const list = make("ol", "li-calls");
  const words = make("div", "li-words");
  words.setAttribute("aria-live", "off");
  const buttons = step.calls.slice(0, MOST_LISTED).map((call, k) => {
    const button = make("button", "li-call");
    const title = call.kind === "model" ? call.purpose || "call" : call.name;
    button.type = "button";
    button.append(make("span", "li-call-name", `${k + 1} ${title}`), make("span", "li-call-line", line(call)));
    if (call.error) button.append(make("span", "li-call-line li-wrong", `✕ ${oneLine(call.error)}`));
    button.addEventListener("click", () => choose(k));
    const item = make("li");
    item.append(button);
    list.append(item);
    return button;
  });

  function choose(k) {
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === k)));
    words.replaceChildren(...wordsOf(step.calls[k], k, (where) => whole(["calls", k, ...where])));
  }

  const wrong = step.calls.findIndex((call) => call.error);
  choose(Math.min(wrong < 0 ? step.calls.length - 1 : wrong, buttons.length - 1));
  const left = step.calls.length - buttons.length;
  return [list, ...(left > 0 ? [note(`${grouped(left)} more calls are not listed here.`)] : []), words];
}

function wordsOf(call, k, whole) {
  const parts = [];
  if (call.error) parts.push(heading("error"), valueBox(call.error));
  if (call.kind === "tool") {
    if (call.arguments) parts.push(heading(`arguments of call ${k + 1}`), box(call.arguments, ["arguments"], whole));
    if (call.result) parts.push(heading("result"), box(call.result, ["result"], whole));
    return parts;
  }
  if (call.messages?.length) {
    parts.push(heading(`messages of call ${k + 1}`));
    call.messages.forEach(({ role, text }, at) => {
      parts.push(box(text, ["messages", at, "text"], whole, role));
    });
  }
  if (call.reply) parts.push(heading("reply"), box(call.reply, ["reply"], whole));
  if (!parts.length) parts.push(note("What was said in this call was not kept."));
  return parts;
}

function box(value, where, whole, label = "") {
  return valueBox(value, { label, whole: whole(where) });
}
