/**
 * Where to play: close behind the newest picture, without stalling. Pure decisions; the player carries them out.
 *
 * The margin is the jitter of the arrivals plus a spare for the machine, which must receive and decode a picture before
 * its moment. The jitter is measured before the picture can run dry; the spare is learned only by running dry.
 */

import { Arrivals } from "./arrivals.js";

/** @import { Decision, Situation } from "../types.js" */

const MIN_SPARE_S = 0.075;
const MAX_MARGIN_S = 1.0;
/** Until the jitter is known: enough for most networks, and short enough that few viewers notice. */
const FIRST_MARGIN_S = 0.2;
const LEARN_S = 3;
/** The spare shrinks after so long without running dry. */
const WATCH_S = 20;
/** For so long it remembers a spare that was too small. */
const REMEMBER_S = 600;
const JUMP_BEHIND_S = 2.0;
/** After the buffered start of a stream, a jump is quicker than playing faster. */
const FIRST_FAR_S = 0.25;
const DEAD_BAND_S = 0.02;
const MIN_RATE = 0.95;
const MIN_RATE_HOLDING = 0.85;
const SETTLED_S = 0.03;
/** Where a jump lands is not corrected any more. */
const SETTLED_BY_JUMPS_S = 0.3;
const MAX_RATE = 1.1;
/** A player that only jumps cannot slow down before it runs dry, so it lands further behind. */
const LANDING_S = 0.15;

export class Playhead {
  #arrivals = new Arrivals();
  #spare_s = MIN_SPARE_S;
  /** The spare that was enough before a smaller one was not. */
  #floor_s = MIN_SPARE_S;
  /** Whether it changes the rate; else it only jumps, because this player stutters at each change. */
  gentle;
  /** Jump at the next decision. */
  jump = false;
  /** How much further behind than intended. */
  behind_s = 0;
  #hold_s = 0;
  #caught = false;
  #steady_s = 0;
  /** @type {number|null} the spare before it shrank, until the smaller one is proved */
  #before_s = null;
  /** Whether it plays at the intended distance. */
  settled = false;

  /** @param {{gentle?: boolean}} [options] */
  constructor({ gentle = true } = {}) {
    this.gentle = gentle;
  }

  /** How far it plays behind the earliest possible arrival of the next picture. */
  get margin_s() {
    const first_s = this.#arrivals.known_s < LEARN_S ? FIRST_MARGIN_S : 0;
    const spare_s = this.#spare_s + (this.gentle ? 0 : LANDING_S);
    return Math.min(MAX_MARGIN_S, Math.max(this.#arrivals.jitter_s + spare_s, this.#hold_s, first_s));
  }

  /** Keeps the margin at least this large. @param {number} seconds */
  hold(seconds) {
    this.#hold_s = seconds;
    this.jump = !this.gentle;
    this.settled = false;
  }

  /** Another stream begins, over the same network and on the same machine. */
  restart() {
    this.#arrivals.restart();
    this.#caught = this.settled = false;
  }

  /** @param {number} media_s where the fragment begins @param {number} at_s when it arrived */
  arrived(media_s, at_s) {
    this.#arrivals.arrived(media_s, at_s);
  }

  /** The picture ran dry: the machine needs more time than the spare, or the network is slower than ever before. */
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
    // Only by half: a rare delay may not have occurred yet.
    this.#spare_s = (this.#spare_s + this.#floor_s) / 2;
  }

  /** @param {Situation} situation @returns {Decision} */
  decide({ at_s, now_s, ranges, started }) {
    if (ranges.length === 0) return { seek_s: null, rate: 1 };
    const [start_s, end_s] = ranges[ranges.length - 1];
    const margin_s = this.margin_s;
    // Stay within the buffered range: a stream whose clock was set must not send the play head ahead of it.
    const want_s = Math.min((this.#arrivals.edge_s(at_s) ?? end_s) - margin_s, end_s - MIN_SPARE_S);
    const error_s = want_s - now_s;
    this.behind_s = error_s;
    this.settled ||= started && Math.abs(error_s) < (this.gentle ? SETTLED_S : SETTLED_BY_JUMPS_S);
    // A position before the newest range has a hole ahead, which playing alone never crosses.
    if (this.#jumpsNow(error_s) || !started || now_s < start_s || end_s - now_s > JUMP_BEHIND_S) {
      return { seek_s: Math.max(start_s, want_s), rate: 1 };
    }
    return { seek_s: null, rate: this.#rate(error_s) };
  }

  /** @param {number} error_s @returns {boolean} a jump was requested, or the buffered start is over */
  #jumpsNow(error_s) {
    const first = !this.#caught && this.#arrivals.known_s > 0;
    this.#caught ||= first;
    const jumps = this.jump || (first && error_s > FIRST_FAR_S);
    this.jump = false;
    return jumps;
  }

  /** @param {number} error_s how much further behind than intended */
  #rate(error_s) {
    if (!this.gentle || Math.abs(error_s) <= DEAD_BAND_S) return 1;
    // A viewer who turned the sound on waits for it: adjust quickly.
    const [slowest, pull] = this.#hold_s && !this.settled ? [MIN_RATE_HOLDING, 1.5] : [MIN_RATE, 0.5];
    // In steps of a hundredth: less is not worth a change, which some players notice.
    return Math.round(100 * Math.min(MAX_RATE, Math.max(slowest, 1 + error_s * pull))) / 100;
  }
}
