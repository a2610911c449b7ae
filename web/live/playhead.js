/**
 * Where to play: close behind the newest picture, without stalling. Pure decisions; the player carries them out.
 *
 * The margin is what the line's own pieces were late by, and a spare for the machine: a picture has to be taken in and
 * decoded before its moment. The line tells its part before the picture can run dry; of the spare one learns by running
 * dry only.
 */

import { Arrivals } from "./arrivals.js";

/** @import { Decision, Situation } from "../types.js" */

const MIN_SPARE_S = 0.075;
const MAX_MARGIN_S = 1.0;
/** Until the line has shown itself: enough for most, and few notice it for so short a time. */
const FIRST_MARGIN_S = 0.2;
const LEARN_S = 3;
/** So long the picture must not run dry before the spare may shrink. */
const WATCH_S = 20;
/** So long it keeps what once turned out to be too little. */
const REMEMBER_S = 600;
const JUMP_BEHIND_S = 2.0;
/** Once the past that came first is over, a jump is quicker than playing faster. */
const FIRST_FAR_S = 0.25;
const DEAD_BAND_S = 0.02;
const MIN_RATE = 0.95;
const MIN_RATE_HOLDING = 0.85;
const SETTLED_S = 0.03;
const MAX_RATE = 1.1;

export class Playhead {
  #arrivals = new Arrivals();
  #spare_s = MIN_SPARE_S;
  /** What was enough before a smaller one was not. */
  #floor_s = MIN_SPARE_S;
  #gentle;
  #hold_s = 0;
  #jump = false;
  #caught = false;
  #steady_s = 0;
  /** @type {number|null} what it was before it shrank, until that proved right or wrong */
  #before_s = null;
  /** Whether it plays where it wants to. */
  settled = false;

  /** @param {{gentle?: boolean}} [options] `gentle` false: this player stutters when its rate changes, so only jump */
  constructor({ gentle = true } = {}) {
    this.#gentle = gentle;
  }

  /** How far behind the moment at which the next picture can be there at the earliest. */
  get margin_s() {
    const first_s = this.#arrivals.known_s < LEARN_S ? FIRST_MARGIN_S : 0;
    return Math.min(MAX_MARGIN_S, Math.max(this.#arrivals.jitter_s + this.#spare_s, this.#hold_s, first_s));
  }

  /** @param {number} seconds the margin is to be no smaller, until told otherwise */
  hold(seconds) {
    this.#hold_s = seconds;
    this.#jump = !this.#gentle;
    this.settled = false;
  }

  /** Another stream begins, over the same line and on the same machine. */
  restart() {
    this.#arrivals.restart();
    this.#caught = this.settled = false;
  }

  /** @param {number} media_s where the piece begins @param {number} at_s when it came */
  came(media_s, at_s) {
    this.#arrivals.came(media_s, at_s);
  }

  /** The picture ran dry: the machine needs longer than was spared for it, or the line does what it never did. */
  starved() {
    if (this.#before_s !== null) this.#floor_s = this.#before_s;
    this.#spare_s = Math.min(MAX_MARGIN_S, this.#spare_s * 1.4 + 0.01);
    [this.#steady_s, this.#before_s] = [0, null];
  }

  /** @param {number} elapsed_s played without running dry */
  steady(elapsed_s) {
    const watches = Math.floor(this.#steady_s / WATCH_S);
    this.#steady_s += elapsed_s;
    if (Math.floor(this.#steady_s / WATCH_S) === watches) return;
    if (this.#steady_s >= REMEMBER_S) [this.#floor_s, this.#steady_s] = [MIN_SPARE_S, 0];
    if (this.#spare_s <= this.#floor_s) return;
    this.#before_s = this.#spare_s;
    // Half of it: what happens only now and then may not have happened yet.
    this.#spare_s = (this.#spare_s + this.#floor_s) / 2;
  }

  /** @param {Situation} situation @returns {Decision} */
  decide({ at_s, now_s, ranges, started }) {
    if (ranges.length === 0) return { seek_s: null, rate: 1 };
    const [start_s, end_s] = ranges[ranges.length - 1];
    const margin_s = this.margin_s;
    // What has not come yet cannot be played: a stream whose time was set does not send the play head ahead of it.
    const want_s = Math.min((this.#arrivals.edge_s(at_s) ?? end_s) - margin_s, end_s - MIN_SPARE_S);
    const error_s = want_s - now_s;
    this.settled ||= started && Math.abs(error_s) < SETTLED_S;
    // Before the newest range means there is a hole ahead that playing alone never crosses.
    if (this.#jumpsNow(error_s) || !started || now_s < start_s || end_s - now_s > JUMP_BEHIND_S) {
      return { seek_s: Math.max(start_s, want_s), rate: 1 };
    }
    return { seek_s: null, rate: this.#rate(error_s) };
  }

  /** @param {number} error_s @returns {boolean} whether somebody asked for it, or the past that came first is over */
  #jumpsNow(error_s) {
    const first = !this.#caught && this.#arrivals.known_s > 0;
    this.#caught ||= first;
    const jumps = this.#jump || (first && error_s > FIRST_FAR_S);
    this.#jump = false;
    return jumps;
  }

  /** @param {number} error_s how much further behind than wanted */
  #rate(error_s) {
    if (!this.#gentle || Math.abs(error_s) <= DEAD_BAND_S) return 1;
    // Somebody who has turned the sound on waits for it: get there soon.
    if (this.#hold_s && !this.settled) return Math.min(MAX_RATE, Math.max(MIN_RATE_HOLDING, 1 + error_s * 1.5));
    return Math.min(MAX_RATE, Math.max(MIN_RATE, 1 + error_s * 0.5));
  }
}
