/** One clip in the grid: picture, length, time, camera and state. */

import { h, icon, setAttribute, setText } from "../dom.js";
import {
  cameraName,
  clipBadge,
  clipError,
  clipTitle,
  copyWords,
  formatMoment,
  formatPercent,
  formatTimer,
  shareOf,
} from "../format.js";
import { text } from "../messages.js";
import { clipHref } from "../router.js";
import { elapsedSeconds, plannedSeconds } from "../store.js";
import { HsElement } from "./element.js";

/** @import { Camera, Clip, CopyState } from "../types.js" */

/** Midnight, when "today" becomes "yesterday", falls on a whole one in every zone. */
const QUARTER_HOUR_MS = 900_000;

export class ClipCard extends HsElement {
  /** @type {readonly unknown[]} the values that it was painted from */
  #known = [];

  image = h("img", {
    alt: "",
    loading: "lazy",
    decoding: "async",
    hidden: true,
    on: {
      load: () => this.toggleAttribute("pictured", true),
      error: () => {
        this.image.hidden = true;
      },
    },
  });
  badge = h("span", { class: "badge" });
  length = h("span", { class: "card-length" });
  bar = h("progress", { class: "bar", max: 1, hidden: true });
  heading = h("h3", { class: "card-title" });
  time = h("time", { class: "card-time" });
  note = h("span", { class: "card-note" });
  where = h("span", { class: "card-where" });
  share = h("span");
  copy = h("span", { class: "card-copy", role: "img" }, icon("cloud"), this.share);
  error = h("span", { class: "card-error" });
  link = h(
    "a",
    { class: "card-link" },
    h(
      "span",
      { class: "card-picture" },
      icon("film"),
      this.image,
      this.error,
      this.badge,
      this.note,
      this.length,
      this.bar,
    ),
    h(
      "span",
      { class: "card-text" },
      this.heading,
      h("span", { class: "card-line" }, this.time, this.where, this.copy),
    ),
  );

  build() {
    this.append(this.link);
  }

  /**
   * @param {Clip} clip
   * @param {readonly Camera[]} cameras
   * @param {number} now_ms on the server's clock
   * @param {CopyState} [copied]
   * @param {string} [note] beside its time
   */
  show(clip, cameras, now_ms, copied, note = "") {
    // A card is painted twice a second, and most have not changed.
    const known = [
      clip,
      cameras,
      copied,
      note,
      clip.status === "pending" ? now_ms : Math.floor(now_ms / QUARTER_HOUR_MS),
    ];
    if (known.every((value, index) => value === this.#known[index])) return;
    this.#known = known;
    const title = clipTitle(clip, cameras);
    // Do not show another clip's picture until its own is loaded.
    if (this.dataset.id !== clip.id) this.removeAttribute("pictured");
    this.dataset.id = clip.id;
    setAttribute(this, "status", clip.status);
    setAttribute(this.link, "href", clipHref(clip.id));
    // Without a version it is the placeholder, and a card has its own.
    const picture = clip.thumbnail_url.includes("?") ? clip.thumbnail_url : null;
    if (this.image.getAttribute("src") !== picture) {
      setAttribute(this.image, "src", picture);
      this.image.hidden = !picture;
    }
    setText(this.badge, clipBadge(clip));
    this.badge.dataset.status = clip.stale ? "" : clip.status;
    setText(this.heading, title);
    setAttribute(this.time, "datetime", clip.start_time);
    setText(this.time, formatMoment(clip.start_time, now_ms));
    setText(this.note, note);
    const name = cameraName(clip.camera, cameras);
    setText(this.where, cameras.length > 1 && name !== title ? name : "");
    setText(this.error, clip.status === "failed" ? clipError(clip) : "");
    const words = copyWords(clip, copied);
    this.copy.hidden = !words;
    setAttribute(this.copy, "title", words);
    const waits = typeof copied === "string";
    this.copy.toggleAttribute("waits", waits);
    setText(this.share, copied === undefined ? "" : waits ? "…" : formatPercent(copied));
    this.#showLength(clip, now_ms);
  }

  /** @param {Clip} clip @param {number} now_ms */
  #showLength(clip, now_ms) {
    const elapsed = elapsedSeconds(clip, now_ms);
    if (clip.media_type === "image") setText(this.length, text.clips.snapshot);
    else if (clip.stale) setText(this.length, "");
    else if (clip.status === "pending") setText(this.length, formatTimer(elapsed));
    else setText(this.length, clip.duration_seconds === null ? "" : formatTimer(Math.round(clip.duration_seconds)));
    const planned = plannedSeconds(clip);
    const share =
      clip.status === "processing"
        ? clip.progress
        : clip.status === "pending" && planned
          ? shareOf(elapsed, planned)
          : null;
    this.bar.hidden = clip.stale || !["pending", "processing"].includes(clip.status);
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
    setAttribute(this.bar, "aria-label", clipBadge(clip));
  }
}

customElements.define("hs-clip-card", ClipCard);
