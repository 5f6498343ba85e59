// A list of tabs with their panels, by the keys that are usual for one. A panel is filled when it is first seen.

import { make, pressed, uniqueId } from "./dom.js";

export class Tabs {
  /** `titles`: [name, title, isMarked]; `fill(name)` gives the elements of a panel; `onChoose(name)` hears of it. */
  constructor(label, titles, fill, onChoose) {
    this.fill = fill;
    this.onChoose = onChoose;
    this.list = make("div", "li-tabs");
    this.panel = make("div", "li-panel");
    this.list.setAttribute("role", "tablist");
    this.list.setAttribute("aria-label", label);
    this.panel.setAttribute("role", "tabpanel");
    this.panel.id = uniqueId("panel");
    this.panel.tabIndex = 0;
    this.tabs = titles.map(([name, title, isMarked]) => {
      const tab = make("button", `li-tab${isMarked ? " li-marked" : ""}`, title);
      tab.type = "button";
      tab.id = uniqueId("tab");
      tab.linusName = name;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", this.panel.id);
      tab.addEventListener("click", () => this.choose(name));
      return tab;
    });
    this.list.append(...this.tabs);
    this.list.addEventListener("keydown", (event) => this.key(event));
  }

  choose(name) {
    for (const tab of this.tabs) {
      const isChosen = tab.linusName === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen) this.panel.setAttribute("aria-labelledby", tab.id);
    }
    this.chosen = name;
    this.panel.replaceChildren(...this.fill(name));
    this.onChoose(name);
  }

  focus() {
    this.tabs.find((tab) => tab.tabIndex === 0).focus({ preventScroll: true });
  }

  key(event) {
    const at = this.tabs.indexOf(event.target);
    if (at < 0 || pressed(event)) return;
    const count = this.tabs.length;
    const next = { ArrowRight: (at + 1) % count, ArrowLeft: (at + count - 1) % count, Home: 0, End: count - 1 }[event.key];
    if (next === undefined) return;
    this.choose(this.tabs[next].linusName);
    this.focus();
    event.preventDefault();
    event.stopPropagation();
  }
}
