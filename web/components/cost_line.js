/** What a clip and a snapshot cost, and what is left. Refreshes at intervals and when the lengths change. */

import { h, setText } from "../dom.js";
import { formatBytes } from "../format.js";
import { language, text } from "../messages.js";
import { HsElement } from "./element.js";

/** @import { Budget, Lengths } from "../types.js" */

const REFRESH_MS = 30_000;
const OPEN_ENDED_S = 60;

export class CostLine extends HsElement {
  #api;
  #query = "";
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
   * @param {string|null} camera
   * @param {Lengths} lengths
   * @param {number} made changes with every recording
   */
  show(camera, { before, after }, made) {
    const seconds = Math.max(1, before + (after ?? OPEN_ENDED_S));
    const query = `${camera} ${seconds} ${made}`;
    const now_ms = performance.now();
    if (camera === null || document.hidden || (query === this.#query && now_ms - this.#requested_ms < REFRESH_MS))
      return;
    [this.#query, this.#requested_ms] = [query, now_ms];
    this.#load(camera, seconds, query);
  }

  /** @param {string} camera @param {number} seconds @param {string} query */
  async #load(camera, seconds, query) {
    try {
      const budget = await this.#api.budget({ camera, seconds });
      if (query === this.#query) setText(this.words, describe(budget));
    } catch {
      setText(this.words, ""); // It is only a hint; Record reports errors.
    }
  }
}

/** @param {Budget} budget */
function describe({ cameras: [own], disk, hours_left, credits }) {
  if (disk.refusal) return disk.refusal;
  const parts = [];
  if (own?.clip && own.snapshot)
    parts.push(text.record.costs(formatBytes(own.clip.size_bytes), formatBytes(own.snapshot.size_bytes)));
  if (credits) parts.push(text.record.credits(credits.left, credits.clip_cost, credits.snapshot_cost));
  else if (hours_left !== null)
    parts.push(text.record.room(hours_left >= 48 ? unit("day", hours_left / 24) : unit("hour", hours_left)));
  return parts.join(" ");
}

/** 21 days. @param {"day"|"hour"} name @param {number} count */
function unit(name, count) {
  return new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "long" }).format(Math.floor(count));
}

customElements.define("hs-cost-line", CostLine);
