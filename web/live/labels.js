/** Maps media times of the live stream to the labels of their frames. Pure. */

import { firstAfter } from "../timestamps.js";

/** Frames are never closer; a smaller difference is rounding between the socket's doubles and the player's clock. */
const SLACK_S = 0.002;

export class LabelTrack {
  /** @type {number[]} ascending */
  #times_s = [];
  /** @type {number[]} */
  #labels_us = [];

  /**
   * With B-frames, media times arrive out of order by a few places; each label stays with its own frame.
   * @param {number} media_time_s
   * @param {number} label_us
   */
  add(media_time_s, label_us) {
    let place = this.#times_s.length;
    while (place > 0 && this.#times_s[place - 1] > media_time_s) place -= 1;
    this.#times_s.splice(place, 0, media_time_s);
    this.#labels_us.splice(place, 0, label_us);
  }

  /**
   * The label of the frame shown at `time_s`; logarithmic.
   * @param {number} time_s
   * @returns {number|null}
   */
  at(time_s) {
    const after = this.#firstAfter(time_s + SLACK_S);
    return after > 0 ? this.#labels_us[after - 1] : null;
  }

  /** Forgets older labels, except that of the frame shown at `time_s`. @param {number} time_s */
  forgetBefore(time_s) {
    const drop = this.#firstAfter(time_s) - 1;
    if (drop < 64) return;
    this.#times_s.splice(0, drop);
    this.#labels_us.splice(0, drop);
  }

  clear() {
    this.#times_s = [];
    this.#labels_us = [];
  }

  /** @param {number} time_s */
  #firstAfter(time_s) {
    return firstAfter(this.#times_s.length, (index) => this.#times_s[index], time_s);
  }
}
