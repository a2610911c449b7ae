/**
 * The line under the live picture: small pictures, what is looked at, and the two ends of what would be kept. Three sliders
 * by the ARIA pattern. Calls `onLook`, `onStart`, `onEnd` with ms since the epoch.
 */

import { h, setAttribute } from "../dom.js";
import { text } from "../messages.js";
import { stepped } from "../rewind/marks.js";
import { HsElement } from "./element.js";
/** @import { MarkState } from "../types.js" */

/** @typedef {(at_ms: number) => void} Told */

export class FilmLine extends HsElement {
  /** @type {Told} */
  onLook = () => undefined;
  /** @type {Told} */
  onStart = () => undefined;
  /** @type {Told} */
  onEnd = () => undefined;
  #line = { from_ms: 0, to_ms: 1, frame_ms: 33 };

  range = h("div", { class: "film-range", "aria-hidden": "true" });
  start = this.#slider("film-handle film-start", text.rewind.start, (ms) => this.onStart(ms));
  end = this.#slider("film-handle film-end", text.rewind.end, (ms) => this.onEnd(ms));
  cursor = this.#slider("film-cursor", text.rewind.moment, (ms) => this.onLook(ms));

  build() {
    this.append(this.range, this.start, this.end, this.cursor);
    this.addEventListener("pointerdown", (event) => this.#grab(event));
  }

  /** @param {{from_ms: number, to_ms: number, frame_ms: number}} line @param {MarkState|null} marks null: live */
  show(line, marks) {
    this.#line = line;
    this.toggleAttribute("looking", marks !== null);
    this.#place(this.cursor, marks?.at_ms ?? line.to_ms);
    for (const [handle, at_ms] of /** @type {Array<[HTMLElement, number|undefined]>} */ ([[this.start, marks?.start_ms], [this.end, marks?.end_ms]])) {
      handle.hidden = at_ms === undefined;
      if (at_ms !== undefined) this.#place(handle, at_ms);
    }
    this.range.hidden = marks === null;
    if (marks) {
      this.range.style.setProperty("inset-inline-start", this.#percent(marks.start_ms));
      this.range.style.setProperty("inline-size", `${(100 * (marks.end_ms - marks.start_ms)) / (line.to_ms - line.from_ms)}%`);
    }
  }

  /** @param {number} at_ms */
  #percent(at_ms) {
    const { from_ms, to_ms } = this.#line;
    return `${(100 * (at_ms - from_ms)) / (to_ms - from_ms)}%`;
  }

  /** @param {HTMLElement} slider @param {number} at_ms */
  #place(slider, at_ms) {
    const ago_s = (this.#line.to_ms - at_ms) / 1000;
    slider.dataset.at = String(at_ms);
    slider.style.setProperty("inset-inline-start", this.#percent(at_ms));
    setAttribute(slider, "aria-valuemin", ((this.#line.from_ms - this.#line.to_ms) / 1000).toFixed(1));
    setAttribute(slider, "aria-valuenow", (-ago_s).toFixed(1));
    setAttribute(slider, "aria-valuetext", text.rewind.ago(ago_s.toFixed(1)));
  }

  /** @param {string} name @param {string} label @param {Told} tell */
  #slider(name, label, tell) {
    const slider = h("div", { class: name, role: "slider", tabindex: 0, "aria-label": label, "aria-valuemax": 0 });
    slider.addEventListener("keydown", (event) => {
      const at_ms = stepped(event.key, Number(slider.dataset.at), this.#line);
      if (at_ms === null || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      tell(at_ms);
    });
    return slider;
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    if (event.button !== 0) return;
    const held = /** @type {Element} */ (event.target).closest("[role=slider]");
    const tell = held === this.start ? this.onStart : held === this.end ? this.onEnd : this.onLook;
    const moved = (/** @type {PointerEvent} */ at) => tell(this.#under(at.clientX));
    const done = new AbortController();
    this.setPointerCapture(event.pointerId);
    this.addEventListener("pointermove", moved, { signal: done.signal });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) this.addEventListener(end, () => done.abort(), { signal: done.signal });
    /** @type {HTMLElement} */ (held ?? this.cursor).focus({ preventScroll: true });
    event.preventDefault();
    if (held === null || held === this.cursor) moved(event);
  }

  /** @param {number} x in the window */
  #under(x) {
    const { left, width } = this.getBoundingClientRect();
    const { from_ms, to_ms } = this.#line;
    return from_ms + Math.max(0, Math.min(1, (x - left) / width)) * (to_ms - from_ms);
  }
}

customElements.define("hs-film-line", FilmLine);
