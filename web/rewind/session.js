/** One look back: the stretch of past that is open, what is looked at in it, and what is marked. */

import { begin, look, markEnd, markStart } from "./marks.js";
import { openPast } from "./past.js";
/** @import { Api } from "../api.js" */
/** @import { Camera, MarkState } from "../types.js" */
/** @import { Past } from "./past.js" */

/**
 * @typedef {object} Told
 * @property {() => void} onChange
 * @property {(element: HTMLElement) => void} onOpen the element that shows the picture
 * @property {() => void} onShown the exact picture is there
 * @property {(words: string) => void} onLost it cannot go on; `words` empty: it has left memory
 */

export class Session {
  #told;
  #abort = new AbortController();
  /** @type {Past|null} null while it is being opened */
  #past = null;
  playing = false;
  /** @type {MarkState} */
  marks;

  /** @param {Api} api @param {Camera} camera @param {{from_ms: number, to_ms: number, at_ms: number}} line @param {Told} told */
  constructor(api, camera, { from_ms, to_ms, at_ms }, told) {
    this.#told = told;
    this.marks = begin(from_ms, to_ms, at_ms);
    this.#open(api, camera);
  }

  get token() {
    return this.#past?.token ?? undefined;
  }

  get frame_ms() {
    return this.#past?.frame_ms ?? 1000 / 30;
  }

  /** @param {number} at_ms */
  look(at_ms) {
    this.marks = look(this.marks, at_ms);
    this.#show();
  }

  /** @param {"start"|"end"} which @param {number} at_ms */
  mark(which, at_ms) {
    this.marks = look((which === "start" ? markStart : markEnd)(this.marks, at_ms), at_ms);
    this.#show();
  }

  togglePlay() {
    if (this.playing) this.#past?.pause();
    else this.#past?.play(this.marks.start_ms, this.marks.end_ms);
  }

  close() {
    this.#abort.abort();
    this.#past?.close();
    this.#past?.element.remove();
  }

  #show() {
    this.#past?.pause();
    this.#past?.show(this.marks.at_ms);
    this.#told.onChange();
  }

  /** @param {Api} api @param {Camera} camera */
  async #open(api, camera) {
    const { signal } = this.#abort;
    try {
      const past = await openPast(api, camera, signal);
      if (signal.aborted) return past.close();
      this.#past = past;
      this.marks = begin(past.from_ms, past.to_ms, this.marks.at_ms);
      past.onShown = () => this.#told.onShown();
      past.onPlayed = (at_ms) => { this.marks = Object.freeze({ ...this.marks, at_ms }); this.#told.onShown(); this.#told.onChange(); };
      past.onPlaying = (playing) => { this.playing = playing; this.#told.onChange(); };
      past.onGone = () => this.#told.onLost("");
      this.#told.onOpen(past.element);
      this.#show();
    } catch (error) {
      if (!signal.aborted) this.#told.onLost(/** @type {Error} */ (error).message);
    }
  }
}
