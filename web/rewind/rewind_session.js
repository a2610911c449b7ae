/** One look back: the stretch of past that is open, what is looked at in it, and what is marked. */

import { begin, lastMarked, look, markEnd, markStart, onto } from "./marks.js";
import { openPast } from "./replay_player.js";
/** @import { Api } from "../api.js" */
/** @import { Camera, MarkState } from "../types.js" */
/** @import { Frames } from "./frames.js" */
/** @import { Past } from "./replay_player.js" */

/**
 * @typedef {object} Told
 * @property {() => void} onChange
 * @property {(element: HTMLElement) => void} onOpen the element that shows the picture
 * @property {() => void} onSought another frame is to be looked at
 * @property {() => void} onShown its exact picture is there
 * @property {(words: string) => void} onLost it cannot go on; `words` empty: it has left memory
 */

export class Session {
  #told;
  #abort = new AbortController();
  /** @type {Past|null} null while it is being opened */
  #past = null;
  /** What is to be looked at as soon as the frames are known: so many of them from the one of a moment. */
  #wish;
  playing = false;
  /** @type {MarkState} */
  marks;

  /** @param {Api} api @param {Camera} camera @param {Frames} guessed @param {number} at_us @param {Told} told */
  constructor(api, camera, guessed, at_us, told) {
    this.#told = told;
    this.#wish = { us: at_us, frames: 0 };
    this.marks = begin(guessed, at_us);
    this.#open(api, camera);
  }

  get token() {
    return this.#past?.token ?? undefined;
  }

  /** The label of the frame that is looked at; while it is being opened, the moment. */
  get at_us() {
    return this.#past ? this.marks.at_us : this.#wish.us;
  }

  /** @param {number} us */
  look(us) {
    this.#wish = { us, frames: 0 };
    this.marks = look(this.marks, us);
    this.#show();
  }

  /** @param {number} frames */
  step(frames) {
    if (this.#past) this.look(this.marks.frames.stepped(this.marks.at_us, frames));
    else this.#wish.frames += frames;
  }

  /** @param {"start"|"end"} which @param {number} us in the first or the last frame marked */
  mark(which, us) {
    this.marks = (which === "start" ? markStart : markEnd)(this.marks, us);
    this.look(us);
  }

  togglePlay() {
    const { at_us, start_us } = this.marks;
    const last_us = lastMarked(this.marks);
    if (this.playing) this.#past?.pause();
    else this.#past?.play(at_us >= start_us && at_us < last_us ? at_us : start_us, last_us);
  }

  close() {
    this.#abort.abort();
    this.#past?.close();
    this.#past?.element.remove();
  }

  #show() {
    this.#past?.pause();
    this.#told.onSought();
    this.#past?.show(this.marks.at_us);
    this.#told.onChange();
  }

  /** @param {Api} api @param {Camera} camera */
  async #open(api, camera) {
    const { signal } = this.#abort;
    try {
      const past = await openPast(api, camera, signal);
      if (signal.aborted) return past.close();
      this.#past = past;
      this.marks = onto(this.marks, past.frames, past.frames.stepped(this.#wish.us, this.#wish.frames));
      past.onShown = () => this.#told.onShown();
      past.onPlayed = (at_us) => {
        this.marks = Object.freeze({ ...this.marks, at_us });
        this.#told.onShown();
        this.#told.onChange();
      };
      past.onPlaying = (playing) => {
        this.playing = playing;
        this.#told.onChange();
      };
      past.onFewer = () => {
        this.marks = onto(this.marks, past.frames, this.marks.at_us);
        this.#show();
      };
      past.onGone = () => this.#told.onLost("");
      this.#told.onOpen(past.element);
      this.#show();
    } catch (error) {
      if (!signal.aborted) this.#told.onLost(/** @type {Error} */ (error).message);
    }
  }
}
