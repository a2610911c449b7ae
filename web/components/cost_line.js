/** What a clip and a snapshot cost, and what is left. Refreshes at intervals and when the lengths change. */

import { h, setText } from "../dom.js";
import { formatBytes } from "../format.js";
import { Latest } from "../latest.js";
import { locale, text } from "../messages.js";
import { HsElement } from "./element.js";

/** @import { Budget, Lengths } from "../types.js" */

const REFRESH_MS = 30_000;
const OPEN_ENDED_S = 60;

export class CostLine extends HsElement {
  #api;
  #latest = new Latest();
  /** What the words are about: camera and length. */
  #subject = "";
  #made = 0;
  #requested_ms = -Infinity;

  words = h("p", { class: "cost", role: "note" });

  /** @param {import("../api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
  }

  build() {
    this.append(this.words);
  }

  /**
   * @param {string|null} camera null: there is nothing to record
   * @param {Lengths} lengths
   * @param {number} made changes with every recording
   */
  show(camera, { before, after }, made) {
    const seconds = Math.max(1, before + (after ?? OPEN_ENDED_S));
    const subject = camera === null ? "" : `${camera} ${seconds}`;
    if (subject !== this.#subject) {
      this.#latest.end();
      setText(this.words, "");
      [this.#subject, this.#requested_ms] = [subject, -Infinity];
    }
    const now_ms = performance.now();
    const known = made === this.#made && now_ms - this.#requested_ms < REFRESH_MS;
    if (camera === null || document.hidden || known) return;
    [this.#made, this.#requested_ms] = [made, now_ms];
    this.#load(camera, seconds);
  }

  /** @param {string} camera @param {number} seconds */
  async #load(camera, seconds) {
    const signal = this.#latest.ask();
    const words = await this.#api.budget({ camera, seconds }).then(describe, () => "");
    // It is only a hint; Record reports errors.
    if (!signal.aborted) setText(this.words, words);
  }
}

/** @param {Budget} budget */
function describe({ cameras: [own], disk, hours_left, credits }) {
  if (disk.refusal) return text.record.diskFull(formatBytes(disk.free_bytes), formatBytes(disk.reserve_bytes));
  const parts = [];
  if (own?.clip && own.snapshot)
    parts.push(text.record.costs(formatBytes(own.clip.size_bytes), formatBytes(own.snapshot.size_bytes)));
  if (credits) parts.push(text.record.credits(credits.left, credits.clip_cost, credits.snapshot_cost));
  else if (hours_left !== null)
    parts.push(text.record.room(hours_left >= 48 ? inWords("day", hours_left / 24) : inWords("hour", hours_left)));
  return parts.join(" ");
}

/** 21 days. @param {"day"|"hour"} unit @param {number} count */
function inWords(unit, count) {
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(count));
}

customElements.define("hs-cost-line", CostLine);
