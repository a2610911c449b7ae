/**
 * How fragments arrive over the network: by how much they are later than the quickest recent one. Pure. Times are
 * seconds of the page's clock and of the stream's; within a window the two hardly drift apart.
 */

/** The quickest arrival is that of the last seconds, so that a network that slows down for good is soon believed. */
const QUICKEST_OF_S = 10;
const WINDOW_S = 60;
/** So many seconds of the window may hold a late fragment: one hiccup does not count. */
const FORGIVEN = 1;
/** A stream that skips more than this counts as a new one: the viewer was too slow, or the camera was away. */
const LEFT_OUT_S = 1;

export class Arrivals {
  /** @type {Array<{second: number, least_s: number, most_s: number}>} the last ones, oldest first */
  #seconds = [];
  #began_s = NaN;
  #delay_s = NaN;

  /** Forgets the previous stream. */
  restart() {
    [this.#seconds, this.#began_s, this.#delay_s] = [[], NaN, NaN];
  }

  /** @param {number} media_s where the fragment begins @param {number} at_s when it arrived */
  arrived(media_s, at_s) {
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
    // The first second brings buffered fragments, which are late by design.
    if (second > 0) last.most_s = Math.max(last.most_s, delay_s);
  }

  /** How long arrivals have been measured. */
  get known_s() {
    return this.#seconds.at(-1)?.second ?? 0;
  }

  /** By how much fragments are late, except for a hiccup; 0 before anything is known. */
  get jitter_s() {
    const latest_s = this.#seconds.map(({ most_s }) => most_s).sort((a, b) => b - a);
    return Math.max(0, (latest_s[FORGIVEN] ?? -Infinity) - this.#quickest_s);
  }

  /**
   * The stream's time that the quickest arrival would bring now; null before the first fragment.
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
