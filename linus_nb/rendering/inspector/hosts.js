// Where the page stands: in a widget, with a kernel behind it, or alone, with its payload beside it. In a frame, the
// notebook around it may have a kernel that answers for it.

import { Page } from "./page.js";

const KERNEL_MS = 10000;
const NOTEBOOK_MS = 3000;

/** What was asked, and waits for its answer. */
class Asked {
  constructor(send, patienceMs, nobody) {
    this.send = send;
    this.patienceMs = patienceMs;
    this.nobody = nobody; // what to say when no answer comes
    this.waiting = new Map();
    this.lastId = 0;
  }

  whole(path, where) {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(this.nobody));
      }, this.patienceMs);
      this.waiting.set(id, ({ text, problem }) => {
        clearTimeout(late);
        if (text === null) reject(new Error(problem));
        else resolve(text);
      });
      this.send({ type: "value", id, path, where });
    });
  }

  hear(message) {
    this.waiting.get(message.id)?.(message);
    this.waiting.delete(message.id);
  }
}

/** An anywidget's view. Texts are JSON, so that a node may have any name. */
export function render({ model, el }) {
  const asked = new Asked((message) => model.send(message), KERNEL_MS, "the kernel is busy, or gone; try again");
  const show = (text) => new Page(el, JSON.parse(text), {
    whole: (path, where) => asked.whole(path, where),
    selected: (path) => model.send({ type: "selected", path }), // what stays when the run has ended begins there
    stop: model.get("stoppable") ? () => model.send({ type: "stop" }) : null,
  });
  let page = show(model.get("payload"));

  function hear(message) {
    if (message.type === "value") asked.hear(message);
    else if (message.type === "news") page.take(JSON.parse(message.text));
    else if (message.type === "whole") { // the page was opened after the run had gone on
      page.close();
      page = show(message.text);
    }
  }

  model.on("msg:custom", hear);
  model.send({ type: "open" });
  return () => {
    model.off("msg:custom", hear);
    page.close();
  };
}

/** A page of its own. A payload with a `link` was made by a kernel that may still be there, and knows it by that. */
export function start() {
  const payload = JSON.parse(document.getElementById("linus-payload").textContent);
  const el = document.getElementById("linus-page");
  el.replaceChildren();
  if (!payload.link || window.parent === window) return new Page(el, payload);
  const ask = (message) => window.parent.postMessage({ ...message, linus: payload.link }, "*");
  const asked = new Asked(ask, NOTEBOOK_MS, "the rest is not in this file, and its kernel is busy, or gone");
  window.addEventListener("message", ({ source, data }) => {
    if (source === window.parent && data?.linus === payload.link) asked.hear(data);
  });
  return new Page(el, payload, { whole: (path, where) => asked.whole(path, where) });
}
