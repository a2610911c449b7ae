/**
 * The previews of a clip: a dot for each, and "Set as thumbnail" for the picture shown. A chosen preview covers the
 * player until it plays. Events: `look`, `set-thumbnail` {source}; null: the frame of the player.
 */

import { h, icon, setAttribute, setText } from "../dom.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";

/** @import { Clip, PreviewSource } from "../types.js" */

/** @type {readonly PreviewSource[]} */
const SOURCES = ["manual", "current", "middle"];

export class ClipPreviews extends HsElement {
  /** @type {Clip|null} */
  #clip = null;
  /** @type {PreviewSource|null} null: the player */
  #looked = null;

  /** Covers the player. */
  still = h("img", {
    class: "clip-still",
    alt: "",
    hidden: true,
    on: { load: () => this.still.toggleAttribute("pictured", true) },
  });
  dots = SOURCES.map((source) =>
    h("button", {
      type: "button",
      class: "dot",
      "aria-label": text.clip.previews[source],
      title: text.clip.previews[source],
      "aria-pressed": "false",
      on: { click: () => this.look(this.#looked === source ? null : source) },
    }),
  );
  words = h("span", { class: "dots-words" });
  set = h(
    "button",
    { type: "button", class: "button", on: { click: () => this.emit("set-thumbnail", { source: this.#looked }) } },
    icon("still"),
    text.clip.setThumbnail,
  );

  build() {
    this.append(
      h("div", { class: "dots", role: "group", "aria-label": text.clip.pictures }, ...this.dots),
      this.words,
      this.set,
    );
  }

  /** @param {Clip} clip @param {boolean} pending */
  show(clip, pending) {
    if (clip.id !== this.#clip?.id) this.#looked = null;
    this.#clip = clip;
    this.hidden = clip.media_type === "image" || SOURCES.every((source) => !clip.previews[source]);
    setAttribute(this.set, "aria-busy", pending || null);
    this.#paint();
  }

  /** The preview that is the thumbnail. */
  get chosen() {
    const clip = this.#clip;
    return SOURCES.find((source) => clip?.previews[source] && clip.previews[source].url === clip.thumbnail_url) ?? null;
  }

  /** @param {PreviewSource|null} source */
  look(source) {
    this.#looked = source;
    this.#paint();
    if (source) this.emit("look");
  }

  #paint() {
    const clip = this.#clip;
    if (!clip) return;
    if (this.#looked && !clip.previews[this.#looked]) this.#looked = null;
    const { chosen } = this;
    SOURCES.forEach((source, n) => {
      this.dots[n].hidden = !clip.previews[source];
      setAttribute(this.dots[n], "aria-pressed", String(this.#looked === source));
      setAttribute(this.dots[n], "aria-current", chosen === source ? "true" : null);
    });
    const looked = this.#looked && clip.previews[this.#looked];
    this.still.hidden = !looked;
    if (looked && this.still.getAttribute("src") !== looked.url) {
      // Until it is loaded, the browser would go on showing the one before.
      this.still.toggleAttribute("pictured", false);
      setAttribute(this.still, "src", looked.url);
    }
    setText(this.words, this.#looked ? text.clip.previews[this.#looked] : "");
  }
}

customElements.define("hs-clip-previews", ClipPreviews);
