/** How much is buffered: a bar and words. Attributes: `seconds`, `capacity`, `stale` if that is not known now. */

import { h, setAttribute, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";

export class BufferMeter extends HsElement {
  static observedAttributes = ["seconds", "capacity", "stale"];

  words = h("span", { class: "meter-words" });
  bar = h("meter", { class: "meter-bar", min: 0, max: 60, value: 0, "aria-label": text.buffer.label });

  build() {
    this.append(this.words, this.bar);
  }

  connected() {
    this.attributeChangedCallback();
  }

  attributeChangedCallback() {
    const capacity = Number(this.getAttribute("capacity")) || 60;
    const seconds = Math.min(capacity, Number(this.getAttribute("seconds")) || 0);
    const full = seconds > 0 && seconds >= capacity - 0.5;
    setAttribute(this.bar, "max", capacity);
    setAttribute(this.bar, "value", full ? capacity : seconds);
    this.toggleAttribute("full", full);
    if (this.hasAttribute("stale")) setText(this.words, text.buffer.unknown);
    else if (full) setText(this.words, text.buffer.ready(formatDuration(capacity)));
    else if (seconds < 0.5) setText(this.words, text.buffer.empty);
    else setText(this.words, text.buffer.filling(formatDuration(Math.floor(seconds)), formatDuration(capacity)));
  }
}

customElements.define("hs-buffer-meter", BufferMeter);
