/**
 * The small pictures under the live one. Fetches what is new while somebody looks, and forgets what has left the
 * buffer.
 */

import { h } from "../dom.js";

/** @import { Api } from "../api.js" */

const PICTURES = 12;
const WIDTH_PX = 160;

export class Filmstrip {
  #api;
  #camera;
  #capacity_ms;
  /** @type {Array<{at_ms: number, image: HTMLImageElement}>} oldest first */
  #pictures = [];
  #busy = false;
  #requested_ms = -Infinity;
  #closed = new AbortController();

  element = h("div", { class: "filmstrip", "aria-hidden": "true" });

  /** @param {Api} api @param {string} camera @param {number} capacity_s */
  constructor(api, camera, capacity_s) {
    this.#api = api;
    this.#camera = camera;
    this.#capacity_ms = capacity_s * 1000;
  }

  get #pitch_ms() {
    return this.#capacity_ms / PICTURES;
  }

  /** The picture nearest before a moment, else the oldest. @param {number} at_ms @returns {HTMLImageElement|null} */
  near(at_ms) {
    return (this.#pictures.findLast((picture) => picture.at_ms <= at_ms) ?? this.#pictures[0])?.image ?? null;
  }

  /**
   * Places every picture on the line from `from_ms` to `to_ms`, each as far as the next.
   * @param {number} from_ms
   * @param {number} to_ms
   */
  place(from_ms, to_ms) {
    const percent = (/** @type {number} */ ms) => `${(100 * ms) / (to_ms - from_ms)}%`;
    for (const [index, { at_ms, image }] of this.#pictures.entries()) {
      const until_ms = this.#pictures[index + 1]?.at_ms ?? Math.max(to_ms, at_ms + this.#pitch_ms);
      image.style.setProperty("inset-inline-start", percent(at_ms - from_ms));
      image.style.setProperty("inline-size", percent(until_ms - at_ms));
    }
  }

  /** Fetches the pictures that came since. @param {number} now_ms on the server's clock */
  async follow(now_ms) {
    const newest_ms = this.#pictures.at(-1)?.at_ms ?? -Infinity;
    const all = newest_ms === -Infinity;
    if (this.#busy || now_ms - Math.max(newest_ms, this.#requested_ms) < this.#pitch_ms) return;
    this.#busy = true;
    // Between two keyframes that are far apart there is nothing new to ask for.
    this.#requested_ms = all ? -Infinity : now_ms - this.#pitch_ms / 2;
    const begin_ms = Math.max(newest_ms + this.#pitch_ms / 2, now_ms - this.#capacity_ms);
    const count = Math.max(1, Math.min(PICTURES, Math.round((now_ms - begin_ms) / this.#pitch_ms)));
    try {
      const options = all
        ? { count: PICTURES, width: WIDTH_PX }
        : { count, width: WIDTH_PX, start: new Date(begin_ms).toISOString() };
      const { pictures } = await this.#api.filmstrip(this.#camera, options, this.#closed.signal);
      for (const { label, image } of pictures) this.#add(Date.parse(label), image);
      this.#forget(now_ms - this.#capacity_ms - this.#pitch_ms);
    } catch {
      // Busy, away or empty: the strip stays as it is, and the next look asks again.
    } finally {
      this.#busy = false;
    }
  }

  close() {
    this.#closed.abort();
    this.element.remove();
  }

  /** @param {number} at_ms @param {string} source */
  #add(at_ms, source) {
    if (this.#closed.signal.aborted || at_ms <= (this.#pictures.at(-1)?.at_ms ?? 0)) return;
    const image = h("img", { class: "filmstrip-picture", src: source, alt: "", draggable: "false" });
    this.#pictures.push({ at_ms, image });
    this.element.append(image);
  }

  /** @param {number} before_ms */
  #forget(before_ms) {
    while (this.#pictures.length && this.#pictures[0].at_ms < before_ms) this.#pictures.shift()?.image.remove();
  }
}
