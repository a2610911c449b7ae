/**
 * The timeline under the live picture: the filmstrip, a cursor, and both ends of the marked span. Three sliders by the
 * ARIA pattern. Calls `onLook`, `onStart`, `onEnd` with a moment within the chosen frame, µs since the epoch.
 */

import { h, setAttribute } from "../dom.js";
import { formatNumber, shareOf } from "../format.js";
import { text } from "../messages.js";
import { Frames } from "../rewind/frames.js";
import { framesOf, lastMarked, stepped } from "../rewind/marks.js";
import { HsElement } from "./element.js";
/** @import { MarkState } from "../types.js" */

/** @typedef {(us: number) => void} MomentHandler */

export class RewindTimeline extends HsElement {
  /** @type {MomentHandler} */
  onLook = () => undefined;
  /** @type {MomentHandler} */
  onStart = () => undefined;
  /** @type {MomentHandler} */
  onEnd = () => undefined;
  /** @type {(frames: number) => void} steps from the frame on screen */
  onStep = () => undefined;
  #frames = Frames.estimated(0, 1);

  range = h("div", { class: "timeline-range", "aria-hidden": "true" });
  start = this.#slider("timeline-handle timeline-start", text.rewind.start, (us) => this.onStart(us));
  end = this.#slider("timeline-handle timeline-end", text.rewind.end, (us) => this.onEnd(us));
  cursor = this.#slider("timeline-cursor", text.rewind.moment, (us) => this.onLook(us));

  build() {
    this.append(this.range, this.start, this.end, this.cursor);
    this.addEventListener("pointerdown", (event) => this.#grab(event));
  }

  /** @param {Frames} frames @param {MarkState|null} marks null: live */
  show(frames, marks) {
    this.#frames = frames;
    this.toggleAttribute("looking", marks !== null);
    this.#place(this.cursor, marks?.at_us ?? frames.to_us);
    this.start.hidden = this.end.hidden = this.range.hidden = marks === null;
    if (!marks) return;
    this.#place(this.start, marks.start_us);
    this.#place(this.end, marks.end_us, lastMarked(marks));
    const [start, end] = [marks.start_us, marks.end_us].map((us) => this.#percent(us));
    this.range.style.setProperty("inset-inline-start", `${start}%`);
    this.range.style.setProperty("inline-size", `${end - start}%`);
  }

  /** Where a moment is on the strip; one that has left it is at its end. @param {number} us */
  #percent(us) {
    const { from_us, to_us } = this.#frames;
    return 100 * shareOf(us - from_us, to_us - from_us);
  }

  /**
   * @param {HTMLElement} slider
   * @param {number} us its position
   * @param {number} [frame_us] its frame, if that begins elsewhere
   */
  #place(slider, us, frame_us = us) {
    const frames = this.#frames;
    slider.dataset.frame = String(frame_us);
    slider.style.setProperty("--at", `${this.#percent(us)}%`);
    const ago_s = frames.secondsBeforeEnd(us);
    setAttribute(slider, "aria-valuemin", -tenths(frames.secondsBeforeEnd(frames.from_us)));
    setAttribute(slider, "aria-valuenow", -tenths(ago_s));
    setAttribute(slider, "aria-valuetext", text.rewind.ago(formatNumber(ago_s, 1)));
  }

  /** @param {string} name @param {string} label @param {MomentHandler} notify */
  #slider(name, label, notify) {
    const slider = h("div", { class: name, role: "slider", tabindex: 0, "aria-label": label, "aria-valuemax": 0 });
    slider.addEventListener("keydown", (event) => {
      const us = stepped(event.key, Number(slider.dataset.frame), this.#frames);
      if (us === null || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const frames = slider === this.cursor ? framesOf(event.key) : 0;
      if (frames) this.onStep(frames);
      else notify(us);
    });
    return slider;
  }

  /** @param {PointerEvent} event */
  #grab(event) {
    if (event.button !== 0) return;
    const held = /** @type {Element} */ (event.target).closest("[role=slider]");
    const notify = held === this.start ? this.onStart : held === this.end ? this.onEnd : this.onLook;
    const moved = (/** @type {PointerEvent} */ at) => notify(this.#under(at.clientX));
    const done = new AbortController();
    this.setPointerCapture(event.pointerId);
    this.addEventListener("pointermove", moved, { signal: done.signal });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
      this.addEventListener(end, () => done.abort(), { signal: done.signal });
    /** @type {HTMLElement} */ (held ?? this.cursor).focus({ preventScroll: true });
    event.preventDefault();
    if (held === null || held === this.cursor) moved(event);
  }

  /** @param {number} x in the window */
  #under(x) {
    const { left, width } = this.getBoundingClientRect();
    const { from_us, to_us } = this.#frames;
    return Math.round(from_us + Math.max(0, Math.min(1, (x - left) / width)) * (to_us - from_us));
  }
}

/** @param {number} seconds */
function tenths(seconds) {
  return Math.round(seconds * 10) / 10;
}

customElements.define("hs-rewind-timeline", RewindTimeline);
