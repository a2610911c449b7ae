/**
 * The small pictures under the live one. Fetches new ones while the page is visible, and drops those that have left
 * the buffer.
 */

import { h } from "../dom.js";
import { formatLabel, parseLabel, SECOND_US } from "../timestamps.js";

/** @import { Api } from "../api.js" */

const PICTURES = 12;
const WIDTH_PX = 160;

export class Filmstrip {
  #api;
  #camera;
  #capacity_us;
  /** @type {Array<{at_us: number, image: HTMLImageElement}>} oldest first */
  #pictures = [];
  #busy = false;
  #requested_us = -Infinity;
  #closed = new AbortController();

  element = h("div", { class: "filmstrip", "aria-hidden": "true" });

  /** @param {Api} api @param {string} camera @param {number} capacity_s */
  constructor(api, camera, capacity_s) {
    this.#api = api;
    this.#camera = camera;
    this.#capacity_us = capacity_s * SECOND_US;
  }

  get #pitch_us() {
    return this.#capacity_us / PICTURES;
  }

  /** The picture nearest before a moment, else the oldest. @param {number} at_us @returns {HTMLImageElement|null} */
  near(at_us) {
    return (this.#pictures.findLast((picture) => picture.at_us <= at_us) ?? this.#pictures[0])?.image ?? null;
  }

  /**
   * Places every picture on the timeline from `from_us` to `to_us`; each reaches as far as the next.
   * @param {number} from_us
   * @param {number} to_us
   */
  place(from_us, to_us) {
    const percent = (/** @type {number} */ us) => `${(100 * us) / (to_us - from_us)}%`;
    for (const [index, { at_us, image }] of this.#pictures.entries()) {
      const until_us = this.#pictures[index + 1]?.at_us ?? Math.max(to_us, at_us + this.#pitch_us);
      image.style.setProperty("inset-inline-start", percent(at_us - from_us));
      image.style.setProperty("inline-size", percent(until_us - at_us));
    }
  }

  /** Fetches the pictures since the newest. @param {number} now_us on the server's clock */
  async follow(now_us) {
    const newest_us = this.#pictures.at(-1)?.at_us ?? -Infinity;
    const all = newest_us === -Infinity;
    if (this.#busy || now_us - Math.max(newest_us, this.#requested_us) < this.#pitch_us) return;
    this.#busy = true;
    // Between two keyframes that are far apart there is nothing new to fetch.
    this.#requested_us = all ? -Infinity : now_us - this.#pitch_us / 2;
    const begin_us = Math.floor(Math.max(newest_us + this.#pitch_us / 2, now_us - this.#capacity_us));
    const count = Math.max(1, Math.min(PICTURES, Math.round((now_us - begin_us) / this.#pitch_us)));
    try {
      const options = all
        ? { count: PICTURES, width: WIDTH_PX }
        : { count, width: WIDTH_PX, start: formatLabel(begin_us) };
      const { pictures } = await this.#api.filmstrip(this.#camera, options, this.#closed.signal);
      for (const { label, image } of pictures) this.#add(parseLabel(label), image);
      this.#forget(now_us - this.#capacity_us - this.#pitch_us);
    } catch {
      // Busy, away or empty: the strip stays as it is, and the next call retries.
    } finally {
      this.#busy = false;
    }
  }

  close() {
    this.#closed.abort();
    this.element.remove();
  }

  /** @param {number} at_us @param {string} source */
  #add(at_us, source) {
    if (this.#closed.signal.aborted || at_us <= (this.#pictures.at(-1)?.at_us ?? 0)) return;
    const image = h("img", { class: "filmstrip-picture", src: source, alt: "", draggable: "false" });
    this.#pictures.push({ at_us, image });
    this.element.append(image);
  }

  /** @param {number} before_us */
  #forget(before_us) {
    while (this.#pictures.length && this.#pictures[0].at_us < before_us) this.#pictures.shift()?.image.remove();
  }
}
