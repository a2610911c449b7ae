/**
 * Where to play: close behind the newest picture, without stalling. Pure decisions; the player carries them out.
 * The margin grows when the picture ran dry, and shrinks by what nothing of the last while needed.
 */

/** @import { Decision, Situation } from "../types.js" */

const FIRST_MARGIN_S = 0.05;
const MIN_MARGIN_S = 0.05;
const MAX_MARGIN_S = 1.0;
/**
 * So long the picture must not run dry before the margin may shrink, and so much of it has to be left over always. What
 * ran dry while the page was still opening says little, so the first look comes soon.
 */
const FIRST_WATCH_S = 5;
const WATCH_S = 20;
const SPARE_S = 0.03;
const JUMP_BEHIND_S = 2.0;
const DEAD_BAND_S = 0.02;
const MIN_RATE = 0.95;
const MIN_RATE_HOLDING = 0.85;
const SETTLED_S = 0.03;
const MAX_RATE = 1.1;

export class Playhead {
  #margin_s = FIRST_MARGIN_S;
  #gentle;
  #hold_s = 0;
  #jump = false;
  #watch_s = FIRST_WATCH_S;
  #watched_s = 0;
  /** The least that was buffered ahead meanwhile. */
  #least_s = Infinity;
  /** Whether it plays where it wants to. */
  settled = false;

  /** @param {{gentle?: boolean}} [options] `gentle` false: this player stutters when its rate changes, so only jump */
  constructor({ gentle = true } = {}) {
    this.#gentle = gentle;
  }

  get margin_s() {
    return this.#margin_s;
  }

  /** @param {number} seconds the margin is to be no smaller, until told otherwise */
  hold(seconds) {
    this.#margin_s = seconds === 0 ? FIRST_MARGIN_S : Math.max(this.#margin_s, seconds);
    this.#hold_s = seconds;
    this.#jump = !this.#gentle;
    this.settled = false;
  }

  /** The picture ran dry: the network or the machine jitters by more than the margin. */
  starved() {
    this.#margin_s = Math.min(MAX_MARGIN_S, this.#margin_s * 1.4 + 0.01);
    this.#watchAnew();
  }

  /** Just before the next picture comes, least is left. @param {number} left_s buffered ahead of the one on screen */
  arriving(left_s) {
    this.#least_s = Math.min(this.#least_s, left_s);
  }

  /** @param {number} elapsed_s played without running dry */
  steady(elapsed_s) {
    this.#watched_s += elapsed_s;
    if (this.#watched_s < this.#watch_s) return;
    this.#watch_s = Math.min(WATCH_S, this.#watch_s * 2);
    // Half of it: what comes only now and then may not have come yet.
    const needless_s = Number.isFinite(this.#least_s) ? Math.max(0, this.#least_s - SPARE_S) / 2 : 0;
    this.#margin_s = Math.max(MIN_MARGIN_S, this.#hold_s, this.#margin_s - needless_s);
    this.#watchAnew();
  }

  /** @param {Situation} situation @returns {Decision} */
  decide({ now_s, ranges, started }) {
    if (ranges.length === 0) return { seek_s: null, rate: 1 };
    const [start_s, end_s] = ranges[ranges.length - 1];
    const behind_s = end_s - now_s;
    // Before the newest range means there is a hole ahead that playing alone never crosses.
    this.settled ||= started && Math.abs(behind_s - this.#margin_s) < SETTLED_S;
    if (!started || now_s < start_s || behind_s > JUMP_BEHIND_S || this.#jump) {
      this.#jump = false;
      return { seek_s: Math.max(start_s, end_s - this.#margin_s), rate: 1 };
    }
    return { seek_s: null, rate: this.#rate(behind_s - this.#margin_s) };
  }

  #watchAnew() {
    [this.#watched_s, this.#least_s] = [0, Infinity];
  }

  /** @param {number} error_s how much further behind than wanted */
  #rate(error_s) {
    if (!this.#gentle || Math.abs(error_s) <= DEAD_BAND_S) return 1;
    // Somebody who has turned the sound on waits for it: get there soon.
    if (this.#hold_s && !this.settled) return Math.min(MAX_RATE, Math.max(MIN_RATE_HOLDING, 1 + error_s * 1.5));
    return Math.min(MAX_RATE, Math.max(MIN_RATE, 1 + error_s * 0.5));
  }
}
