/**
 * How much later than the media's own times are the times that a player reports with its pictures: nothing in Chromium
 * and Firefox, and in WebKit what an edit list leaves out, which is how long B-frames wait. Measured, pure.
 */

/** Longer than B-frames wait; more means that another picture was on screen. */
const MOST_S = 0.5;
const SAME_S = 0.002;

export class ReportedShift {
  #last_s = NaN;
  /** To be taken from what is reported, in seconds. */
  s = 0;

  /**
   * Two seeks that agree are believed: one alone may have met a picture of before.
   * @param {number} shift_s from the time that was sought to the one that was reported
   */
  learn(shift_s) {
    if (Math.abs(shift_s - this.#last_s) < SAME_S && Math.abs(shift_s) < MOST_S) this.s = shift_s;
    this.#last_s = shift_s;
  }
}
