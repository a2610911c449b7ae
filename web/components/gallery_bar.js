/** The actions for the chosen clips. Events: `batch` {action}, `choose-all`, `choose-none`. */

import { text } from "../all_messages.js";
import { here } from "../base.js";
import { h, icon, setAttribute, setText } from "../dom.js";
import { isReady } from "../store.js";
import { HsElement } from "./element.js";
/** @import { Clip } from "../types.js" */

/** As many as the server packs into one archive or changes in one call. */
export const MOST_CHOSEN = 200;

export class GalleryBar extends HsElement {
  count = h("output", { class: "bar-count" });
  publish = this.#button("publish", text.gallery.publish);
  unpublish = this.#button("unpublish", text.gallery.unpublish);
  retry = this.#button("retry", text.clips.retry);
  removing = this.#button("delete", text.clip.remove, "danger");
  zip = h("a", { class: "button", download: true }, icon("down"), text.gallery.zip);
  all = h(
    "button",
    { type: "button", class: "button bar-pick", on: { click: () => this.emit("choose-all") } },
    text.gallery.chooseAll,
  );
  none = h(
    "button",
    { type: "button", class: "button bar-pick", on: { click: () => this.emit("choose-none") } },
    text.gallery.chooseNone,
  );

  build() {
    this.setAttribute("role", "toolbar");
    this.setAttribute("aria-label", text.gallery.chosen);
    this.append(this.count, this.publish, this.unpublish, this.retry, this.zip, this.removing, this.all, this.none);
  }

  /** @param {readonly Clip[]} chosen @param {boolean} busy */
  show(chosen, busy) {
    this.hidden = chosen.length === 0;
    setText(this.count, text.gallery.count(chosen.length));
    const ready = chosen.filter(isReady);
    this.publish.hidden = !chosen.some(({ status }) => status === "draft");
    this.unpublish.hidden = !chosen.some(({ status }) => status === "published");
    this.retry.hidden = !chosen.some(({ status, retryable }) => status === "failed" && retryable);
    this.zip.hidden = ready.length === 0;
    setAttribute(this.zip, "href", here(`/api/clips/archive.zip?ids=${ready.map(({ id }) => id).join(",")}`));
    for (const button of [this.publish, this.unpublish, this.retry, this.removing]) button.disabled = busy;
  }

  /** @param {string} action @param {string} words @param {string} [tone] */
  #button(action, words, tone = "") {
    return h(
      "button",
      { type: "button", class: `button ${tone}`.trim(), on: { click: () => this.emit("batch", { action }) } },
      words,
    );
  }
}

customElements.define("hs-gallery-bar", GalleryBar);
