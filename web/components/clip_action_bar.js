/**
 * The actions that the state of a clip allows. Events: `favourite`, `like` {on},
 * `stop-recording`, `retry-clip` and `delete-clip` {id}.
 */

import { h, icon, setAttribute, setText } from "../dom.js";
import { clipBadge } from "../format.js";
import { text } from "../messages.js";
import { isReady } from "../store.js";
import { HsElement } from "./element.js";

/** @import { Clip } from "../types.js" */

export class ClipActionBar extends HsElement {
  /** @type {Clip|null} */
  #clip = null;

  likes = h("span");
  stop = this.#button("stop", text.record.stop, () => this.#emit("stop-recording"));
  retry = this.#button("retry", text.clips.retry, () => this.#emit("retry-clip"));
  heart = h(
    "button",
    {
      type: "button",
      class: "button heart",
      "aria-pressed": "false",
      on: { click: () => this.emit("like", { on: this.heart.getAttribute("aria-pressed") !== "true" }) },
    },
    icon("heart"),
    this.likes,
  );
  star = this.#button("star", text.clip.favourite, () => this.emit("favourite"));
  download = h("a", { class: "button", download: true }, icon("down"), text.clip.download);
  clean = h("a", { class: "button", download: true, title: text.clip.cleanDetail }, icon("down"), text.clip.clean);
  discard = this.#button("bin", text.clip.remove, () => this.emit("delete-clip"));
  badge = h("span", { class: "badge" });

  build() {
    this.className = "clip-actions";
    this.discard.classList.add("danger");
    this.append(this.stop, this.retry, this.heart, this.star, this.download, this.clean, this.discard, this.badge);
  }

  /** @param {Clip} clip @param {boolean} pending */
  show(clip, pending) {
    if (clip.id !== this.#clip?.id) this.liked(false);
    this.#clip = clip;
    this.stop.hidden = clip.status !== "pending";
    this.retry.hidden = clip.status !== "failed" || !clip.retryable;
    this.heart.hidden = clip.status !== "published";
    setText(this.likes, String(clip.likes ?? 0));
    setAttribute(this.heart, "aria-label", text.clip.likes(clip.likes ?? 0));
    setAttribute(this.star, "aria-pressed", String(clip.keep));
    this.download.hidden = !isReady(clip) || !clip.download_url;
    setAttribute(this.download, "href", clip.download_url);
    this.clean.hidden =
      this.download.hidden || clip.media_type !== "video" || Boolean(clip.download_url?.includes("form=clean"));
    setAttribute(this.clean, "href", this.clean.hidden ? null : `${clip.download_url}?form=clean`);
    setAttribute(this, "aria-busy", pending || null);
    setText(this.badge, clipBadge(clip));
    this.badge.dataset.status = clip.status;
  }

  /** @param {boolean} liked as the server reports it */
  liked(liked) {
    setAttribute(this.heart, "aria-pressed", String(liked));
  }

  /** @param {string} event */
  #emit(event) {
    if (this.#clip) this.emit(event, { id: this.#clip.id });
  }

  /** @param {string} name @param {string} words @param {() => void} click */
  #button(name, words, click) {
    return h("button", { type: "button", class: "button", on: { click } }, icon(name), words);
  }
}

customElements.define("hs-clip-action-bar", ClipActionBar);
