// Where the page stands: in a widget, with a kernel that can be asked, or alone, with its payload beside it.

import { Page } from "./page.js";

const ANSWER_MS = 10000;

/** An anywidget's view. Texts are JSON, so that a node may have any name. */
export function render({ model, el }) {
  const asked = new Map(); // id -> what to do with the answer
  let lastId = 0;

  function whole(path, where) {
    lastId += 1;
    const id = lastId;
    model.send({ type: "value", id, path, where });
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        asked.delete(id);
        reject(new Error("the kernel is busy, or gone; try again"));
      }, ANSWER_MS);
      asked.set(id, ({ text, problem }) => {
        clearTimeout(late);
        if (text === null) reject(new Error(problem));
        else resolve(text);
      });
    });
  }

  let page = new Page(el, JSON.parse(model.get("payload")), { whole });

  function hear(message) {
    if (message.type === "value") {
      asked.get(message.id)?.(message);
      asked.delete(message.id);
    } else if (message.type === "news") {
      page.take(JSON.parse(message.text));
    } else if (message.type === "whole") { // the page was opened after the run had gone on
      page.close();
      page = new Page(el, JSON.parse(message.text), { whole });
    }
  }

  model.on("msg:custom", hear);
  model.send({ type: "open" });
  return () => {
    model.off("msg:custom", hear);
    page.close();
  };
}

/** A page of its own. */
export function start() {
  const payload = JSON.parse(document.getElementById("linus-payload").textContent);
  const el = document.getElementById("linus-page");
  el.replaceChildren();
  return new Page(el, payload);
}
