/**
 * Whether this player stutters when its rate changes, as WebKit does: it decodes again from the last keyframe. Judged
 * by what is seen: media time that is lost right after changes and not otherwise, though the data was there. Pure.
 */

/** @import { Look } from "../types.js" */

/** A change shows within this time. */
const AFTER_S = 0.45;
/** With less ahead, the player may have waited for data. */
const DRY_S = 0.05;
/** The page was not run for so long: nothing is known of that time. */
const GAP_S = 1;
const LOST_S = 0.03;
/** Proof by a counter: a player that starts over counts its pictures from nothing. */
const RESTARTS = 2;
/** Proof by time alone, which other causes may cost as well. */
const STUTTERS = 7;
const SLIPPED_S = 0.4;
const CALM_S = 8;
const TIMES_CALM = 4;
/** Older evidence counts half. */
const MEMORY_S = 60;

export class RateWatch {
  /** @type {Look|null} */
  #last = null;
  #changed_s = -Infinity;
  /** Lost since the last change, in seconds of media. */
  #lost_s = 0;
  #restarted = false;
  #restarts = 0;
  #changes = 0;
  #stutters = 0;
  #after = { lost_s: 0, time_s: 0 };
  #calm = { lost_s: 0, time_s: 0 };
  /** By how much a single reading of the position was ahead: some players report whole frames only. */
  #coarse_s = 0;

  /** A jump, or another stream: what comes next does not continue what was before. */
  interrupted() {
    this.#last = null;
  }

  /** The rate has been changed. @param {number} at_s */
  changed(at_s) {
    this.#judgeChange();
    this.#changed_s = at_s;
    this.#changes += 1;
  }

  /** @param {Look} look several times a second @returns {boolean} whether this player stutters when the rate changes */
  look(look) {
    const last = this.#last;
    this.#last = look;
    const after = look.at_s - this.#changed_s < AFTER_S;
    if (last === null || look.dry || look.at_s - last.at_s > GAP_S || look.ahead_s < DRY_S) return false;
    const elapsed_s = look.at_s - last.at_s;
    const lost_s = look.rate * elapsed_s - (look.now_s - last.now_s);
    this.#coarse_s = Math.max(this.#coarse_s, -lost_s);
    const sum = after ? this.#after : this.#calm;
    sum.lost_s += lost_s;
    sum.time_s += elapsed_s;
    if (after) {
      this.#lost_s += lost_s;
      this.#restarted ||= look.pictures < last.pictures;
    } else this.#judgeChange();
    this.#forget();
    return this.#restarts >= RESTARTS || this.#slips;
  }

  /** The last change has shown its effect. */
  #judgeChange() {
    if (this.#lost_s >= Math.max(LOST_S, this.#coarse_s)) this.#stutters += 1;
    if (this.#lost_s >= LOST_S && this.#restarted) this.#restarts += 1;
    [this.#lost_s, this.#restarted] = [0, false];
  }

  get #slips() {
    const [after, calm] = [this.#after, this.#calm];
    return (
      calm.time_s >= CALM_S &&
      this.#stutters >= Math.max(STUTTERS, this.#changes / 2) &&
      // Of both: what a coarse position seems to lose here, it gains there.
      after.lost_s + calm.lost_s >= SLIPPED_S + 2 * this.#coarse_s &&
      after.lost_s / after.time_s >= (TIMES_CALM * calm.lost_s) / calm.time_s
    );
  }

  #forget() {
    if (this.#after.time_s + this.#calm.time_s < MEMORY_S) return;
    for (const sum of [this.#after, this.#calm]) [sum.lost_s, sum.time_s] = [sum.lost_s / 2, sum.time_s / 2];
    [this.#changes, this.#stutters] = [this.#changes / 2, this.#stutters / 2];
  }
}
