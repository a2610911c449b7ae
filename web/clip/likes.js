/** Whether this viewer likes the open clip: asked once for each, and the last word about it is shown. */

import { Latest } from "../latest.js";
/** @import { Clip } from "../types.js" */

export class Likes {
  #actions;
  #show;
  #latest = new Latest();
  /** The clip that was asked about. */
  #id = "";

  /** @param {import("./clip_actions.js").ClipActions} actions @param {(liked: boolean) => void} show */
  constructor(actions, show) {
    this.#actions = actions;
    this.#show = show;
  }

  /** @param {Clip} clip that is open */
  async follow({ id, status }) {
    if (this.#id !== id) {
      this.#latest.end();
      this.#id = "";
    }
    if (status !== "published" || this.#id) return;
    this.#id = id;
    const signal = this.#latest.ask();
    const liked = await this.#actions.liked(id);
    if (!signal.aborted) this.#show(liked);
  }

  /** @param {Clip} clip @param {boolean} on */
  async press({ id }, on) {
    const signal = this.#latest.ask();
    const done = await this.#actions.like(id, on);
    if (signal.aborted) return;
    if (done) this.#show(on);
    else this.#id = ""; // What it was is asked again.
  }
}
