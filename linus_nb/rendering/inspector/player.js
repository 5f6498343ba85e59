// The slider that goes through a run, by hand or by itself, at the run's own speed or faster.

import { make, makeButton, seconds } from "./dom.js";

const SPEEDS = [0.01, 0.1, 1, 2, 5, 10, 50, 100, 1000];
const SHORTEST_S = 2; // a replay that is over sooner is not seen: slower speeds are offered for short runs
const LONGEST_S = 1200;
const CALM_MS = 500; // between two pictures, for those who asked for less motion

export class Player {
  /** `onMove(at)` is called with the moment to show. */
  constructor(onMove) {
    this.onMove = onMove;
    this.end = 0;
    this.at = 0;
    this.playing = null; // the id of the next frame
    this.root = make("div", "li-player");
    this.button = makeButton("li-icon li-play", "▶", "Play (space)", () => this.toggle());
    this.slider = make("input", "li-slider");
    this.slider.type = "range";
    this.slider.min = "0";
    this.slider.setAttribute("aria-label", "moment of the run");
    this.slider.addEventListener("input", () => this.goTo(Number(this.slider.value)));
    this.said = make("span", "li-moment");
    this.speed = make("select", "li-speed");
    this.speed.setAttribute("aria-label", "speed of the replay");
    this.root.append(this.button, this.slider, this.said, this.speed);
  }

  /** Take the length of the run; a view that stood at its end goes on standing there. */
  setEnd(end) {
    const following = this.at >= this.end;
    this.end = end;
    this.slider.max = String(end);
    this.slider.step = String(end / 1000 || 1);
    this.root.hidden = end <= 0;
    this.offerSpeeds();
    if (following && !this.playing) this.goTo(end);
    else this.say();
  }

  offerSpeeds() {
    const offered = SPEEDS.filter((speed) => {
      const lasts = this.end / speed;
      return speed === 1 || (speed < 1 ? lasts <= 20 * SHORTEST_S && this.end < SHORTEST_S
        : lasts >= SHORTEST_S / 4 && (speed <= 10 || this.end > LONGEST_S / 20));
    });
    if (offered.join() === this.offered) return;
    this.offered = offered.join();
    const chosen = this.speed.value || "1";
    this.speed.replaceChildren(...offered.map((speed) => {
      const option = make("option", "", `×${speed}`);
      option.value = String(speed);
      return option;
    }));
    this.speed.value = offered.map(String).includes(chosen) ? chosen : "1";
  }

  get atEnd() {
    return this.at >= this.end;
  }

  goTo(at) {
    this.at = Math.min(this.end, Math.max(0, at));
    if (this.end - this.at < this.end / 2000) this.at = this.end; // the slider's steps need not end there
    this.slider.value = String(this.at);
    this.say();
    this.onMove(this.at);
  }

  say() {
    this.said.textContent = this.atEnd ? seconds(this.end) : `${seconds(this.at)} of ${seconds(this.end)}`;
    this.slider.setAttribute("aria-valuetext", `${seconds(this.at)} of ${seconds(this.end)}`);
    this.root.style.setProperty("--li-share", this.end ? `${(100 * this.at) / this.end}%` : "0%");
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  play() {
    if (this.atEnd) this.goTo(0);
    this.show("❚❚", "Pause (space)");
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let last = performance.now();
    const frame = (now) => {
      if (!calm || now - last >= CALM_MS) {
        this.goTo(this.at + ((now - last) / 1000) * Number(this.speed.value));
        last = now;
      }
      if (this.atEnd) this.stop();
      else this.playing = requestAnimationFrame(frame);
    };
    this.playing = requestAnimationFrame(frame);
  }

  stop() {
    cancelAnimationFrame(this.playing);
    this.playing = null;
    this.show("▶", "Play (space)");
  }

  show(sign, label) {
    this.button.textContent = sign;
    this.button.title = label;
    this.button.setAttribute("aria-label", label);
  }
}
