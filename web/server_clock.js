/**
 * The daemon's clock as seen from this page. A phone's clock may be minutes off, and then "0.2 s behind" and
 * "recording 00:12" would be wrong. Every response's Date header bounds the difference; the bounds are intersected.
 */

import { toMs } from "./timestamps.js";

export class ServerClock {
  #low_ms = -Infinity;
  #high_ms = Infinity;

  /**
   * @param {string|null} date the response's Date header (whole seconds, truncated)
   * @param {number} sent_ms
   * @param {number} received_ms both on this page's clock
   */
  learn(date, sent_ms, received_ms) {
    const server_ms = Date.parse(date ?? "");
    if (Number.isNaN(server_ms)) return;
    const low = server_ms - received_ms;
    const high = server_ms + 1000 - sent_ms;
    if (low > this.#high_ms || high < this.#low_ms) {
      // One of the clocks was set: the old bounds are void.
      [this.#low_ms, this.#high_ms] = [low, high];
      return;
    }
    this.#low_ms = Math.max(this.#low_ms, low);
    this.#high_ms = Math.min(this.#high_ms, high);
  }

  /** Server minus page; exactly 0 unless the bounds exclude it, as on one machine or with NTP. */
  get offset_ms() {
    if (this.#low_ms <= 0 && this.#high_ms >= 0) return 0;
    return (this.#low_ms + this.#high_ms) / 2;
  }

  /** @returns {number} milliseconds since the epoch on the daemon's clock */
  now_ms() {
    return Date.now() + this.offset_ms;
  }

  /** @param {number} label_us @returns {number} seconds since that moment, never negative */
  secondsSince(label_us) {
    return Math.max(0, this.now_ms() - toMs(label_us)) / 1000;
  }
}
