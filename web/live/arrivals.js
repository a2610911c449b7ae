/**
 * How a line delivers: by how much its pieces come later than the quickest of the last while. Pure; what it is told
 * stands in seconds of the page's clock and of the stream's. The two drift apart by less than the windows would show.
 */

/** The quickest way is that of the last seconds, so that a line which slows down for good is soon believed. */
const QUICKEST_OF_S = 10;
const WINDOW_S = 60;
/** So many of the window's seconds may hold a piece that came later: a hiccup is not the line. */
const FORGIVEN = 1;
/** A stream that leaves out more than this begins anew: its viewer was too slow, or its camera was away. */
const LEFT_OUT_S = 1;

export class Arrivals {
  /** @type {Array<{second: number, least_s: number, most_s: number}>} the last ones, oldest first */
  #seconds = [];
  #began_s = NaN;
  #delay_s = NaN;

  /** Forget the stream that was. */
  restart() {
    [this.#seconds, this.#began_s, this.#delay_s] = [[], NaN, NaN];
  }

  /** @param {number} media_s where the piece begins @param {number} at_s when it came */
  came(media_s, at_s) {
    const delay_s = at_s - media_s;
    if (delay_s < this.#delay_s - LEFT_OUT_S) this.restart();
    this.#delay_s = delay_s;
    if (!(this.#began_s <= at_s)) this.#began_s = at_s;
    const second = Math.floor(at_s - this.#began_s);
    let last = this.#seconds.at(-1);
    if (last?.second !== second) {
      last = { second, least_s: Infinity, most_s: -Infinity };
      this.#seconds.push(last);
      while (this.#seconds[0].second <= second - WINDOW_S) this.#seconds.shift();
    }
    last.least_s = Math.min(last.least_s, delay_s);
    // The first second brings the past at once, which is none of the line's fault.
    if (second > 0) last.most_s = Math.max(last.most_s, delay_s);
  }

  /** How long it has been listened to. */
  get known_s() {
    return this.#seconds.at(-1)?.second ?? 0;
  }

  /** By how much pieces come late, but for a hiccup; 0 before anything is known. */
  get jitter_s() {
    const latest_s = this.#seconds.map(({ most_s }) => most_s).sort((a, b) => b - a);
    return Math.max(0, (latest_s[FORGIVEN] ?? -Infinity) - this.#quickest_s);
  }

  /**
   * What would be coming now by the quickest way, in the stream's time; null before anything came.
   * @param {number} at_s
   */
  edge_s(at_s) {
    return this.#seconds.length === 0 ? null : at_s - this.#quickest_s;
  }

  get #quickest_s() {
    const since = this.known_s - QUICKEST_OF_S;
    return Math.min(...this.#seconds.filter(({ second }) => second > since).map(({ least_s }) => least_s));
  }
}
