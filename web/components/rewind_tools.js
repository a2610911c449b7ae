/**
 * The buttons while looking back: step, play, mark here, keep, return. They call `handlers` and emit no events.
 */

import { h, icon, setAttribute, setText } from "../dom.js";
import { formatDuration, formatNumber } from "../format.js";
import { text } from "../messages.js";
import { toSeconds } from "../timestamps.js";
import { HsElement } from "./element.js";
/** @import { MarkState } from "../types.js" */

export class RewindTools extends HsElement {
  /** @type {Record<"step"|"play"|"mark"|"keep"|"leave", (value?: any) => void>} set by the panel */
  handlers;

  ago = h("output", { class: "rewind-ago" });
  play = this.#icon("play", text.rewind.play, () => this.handlers.play());
  save = this.#button(text.rewind.save(""), "primary rewind-save", () => this.handlers.keep());

  /** @param {RewindTools["handlers"]} handlers */
  constructor(handlers) {
    super();
    this.handlers = handlers;
  }

  build() {
    setAttribute(this, "role", "group");
    setAttribute(this, "aria-label", text.rewind.title);
    this.append(
      h(
        "div",
        { class: "rewind-steps" },
        this.#icon("back", text.rewind.frameBack, () => this.handlers.step(-1)),
        this.play,
        this.#icon("forward", text.rewind.frameForward, () => this.handlers.step(1)),
        this.ago,
      ),
      this.#button(text.rewind.startHere, "", () => this.handlers.mark("start")),
      this.#button(text.rewind.endHere, "", () => this.handlers.mark("end")),
      this.save,
      this.#button(text.rewind.live, "rewind-live", () => this.handlers.leave()),
    );
  }

  /** @param {MarkState} marks @param {boolean} playing */
  show(marks, playing) {
    setText(this.ago, text.rewind.ago(formatNumber(marks.frames.secondsBeforeEnd(marks.at_us), 1)));
    setText(this.save, text.rewind.save(length(toSeconds(marks.end_us - marks.start_us))));
    setAttribute(this.play, "aria-pressed", String(playing));
  }

  /** @param {string} symbol @param {string} label @param {() => void} press */
  #icon(symbol, label, press) {
    return h(
      "button",
      { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: press } },
      icon(symbol),
    );
  }

  /** @param {string} words @param {string} name @param {() => void} press */
  #button(words, name, press) {
    return h("button", { type: "button", class: `button ${name}`.trim(), on: { click: press } }, words);
  }
}

/** A single frame is not 0 s. @param {number} seconds */
function length(seconds) {
  return seconds < 10 ? `${formatNumber(seconds, 1)} s` : formatDuration(seconds);
}

customElements.define("hs-rewind-tools", RewindTools);
