/**
 * One published clip in the feed: plays silently while it is in view, can be liked and opened.
 * Events: `like` {id, on}.
 */

import { text } from "../all_messages.js";
import { h, icon, setAttribute, setText } from "../dom.js";
import { cameraName, clipTitle, formatMoment, formatTimer } from "../format.js";
import { formatBeside } from "../gallery/order.js";
import { Latest } from "../latest.js";
import { clipHref } from "../router.js";
import { HsElement } from "./element.js";

/** @import { Camera, Clip } from "../types.js" */

const TRY_AGAIN_MS = 10_000;

export class FeedItem extends HsElement {
  #api;
  /** @type {Clip|null} */
  #clip = null;
  #latestAddress = new Latest();
  /** @type {Promise<boolean>|null} whether there is an address to play, while it is not known */
  #resolving = null;
  #none_until_ms = 0;
  #wanted = false;
  #again = false;
  #latestLike = new Latest();

  video = h("video", {
    muted: true,
    loop: true,
    playsinline: true,
    preload: "none",
    disablepictureinpicture: true,
    on: {
      error: () => this.#failed(),
      playing: () => {
        this.#again = false;
      },
    },
  });
  image = h("img", { alt: "", loading: "lazy", hidden: true });
  length = h("span", { class: "card-length" });
  picture = h("a", { class: "feed-picture" }, this.video, this.image, this.length);
  heading = h("h2", { class: "feed-title" });
  caption = h("p", { class: "feed-caption" });
  time = h("time");
  published = h("time");
  note = h("span");
  where = h("span");
  likes = h("span", { class: "feed-likes" });
  heart = h(
    "button",
    { type: "button", class: "button quiet-small", "aria-pressed": "false", on: { click: () => this.#like() } },
    icon("heart"),
    this.likes,
  );
  download = h(
    "a",
    { class: "icon-button", download: true, "aria-label": text.clip.download, title: text.clip.download },
    icon("down"),
  );

  /** @param {import("../api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
    this.video.muted = true;
  }

  build() {
    this.append(
      this.picture,
      h(
        "div",
        { class: "feed-words" },
        this.heading,
        this.caption,
        h("p", { class: "card-line" }, this.time, this.published, this.note, this.where),
        h("div", { class: "feed-actions" }, this.heart, this.download),
      ),
    );
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    signal.addEventListener("abort", () => this.rest());
  }

  /** @param {Clip} clip @param {readonly Camera[]} cameras @param {number} now_ms @param {string} [note] */
  show(clip, cameras, now_ms, note = "") {
    this.#clip = clip;
    this.dataset.id = clip.id;
    const video = clip.media_type === "video";
    [this.video.hidden, this.image.hidden] = [!video, video];
    if (video) setAttribute(this.video, "poster", clip.thumbnail_url);
    else setAttribute(this.image, "src", clip.image_url);
    setText(this.length, video ? formatTimer(Math.round(clip.duration_seconds ?? 0)) : text.clips.snapshot);
    if (clip.width && clip.height) this.style.setProperty("--ratio", `${clip.width} / ${clip.height}`);
    setAttribute(this.picture, "href", clipHref(clip.id));
    setAttribute(this.picture, "aria-label", text.feed.open(clipTitle(clip, cameras)));
    setText(this.heading, clipTitle(clip, cameras));
    setText(this.caption, clip.caption);
    this.caption.hidden = clip.caption === "";
    setAttribute(this.time, "datetime", clip.start_time);
    setText(this.time, formatMoment(clip.start_time, now_ms));
    const published_at = clip.published_at ?? clip.start_time;
    setAttribute(this.published, "datetime", published_at);
    setText(this.published, text.feed.published(formatBeside(published_at, clip.start_time, now_ms)));
    setText(this.note, note);
    setText(this.where, cameraName(clip.camera, cameras));
    setText(this.likes, String(clip.likes ?? 0));
    setAttribute(this.heart, "aria-label", text.clip.likes(clip.likes ?? 0));
    setAttribute(this.download, "href", clip.download_url);
  }

  /** Plays silently, because it is in view. Called twice a second, also while a clean form is made for a minute. */
  async play() {
    if (this.#clip?.media_type !== "video") return;
    this.#wanted = true;
    if (!this.video.src) {
      if (performance.now() < this.#none_until_ms) return;
      this.#resolving ??= this.#resolve().finally(() => {
        this.#resolving = null;
      });
      if (!(await this.#resolving)) return;
    }
    if (this.#wanted) this.video.play().catch(() => undefined);
  }

  pause() {
    this.#wanted = false;
    this.video.pause();
  }

  /** Frees the connection and the memory, because it is out of view. */
  rest() {
    this.pause();
    this.#latestAddress.end();
    this.video.removeAttribute("src");
    this.video.load();
  }

  async #resolve() {
    const signal = this.#latestAddress.ask();
    try {
      const { resolvePlayback } = await import("../clip/playback.js");
      const clip = /** @type {Clip} */ (this.#clip);
      const { playback_url } = await resolvePlayback(this.#api, clip, signal, this.#again ? "expired" : undefined);
      if (!signal.aborted) this.video.src = playback_url;
      return !signal.aborted;
    } catch {
      // The poster stays; the dialog of the clip says why.
      if (!signal.aborted) this.#none_until_ms = performance.now() + TRY_AGAIN_MS;
      return false;
    }
  }

  /** An address expires after minutes: a viewer who scrolls back later gets another, once. */
  #failed() {
    if (this.#again || !this.#wanted) return;
    this.#again = true;
    this.video.removeAttribute("src");
    this.play();
  }

  /** @param {Promise<boolean>} answer whether this viewer likes it, as the server reports it */
  async liked(answer) {
    const signal = this.#latestLike.ask();
    const liked = await answer.catch(() => null);
    if (liked !== null && !signal.aborted) setAttribute(this.heart, "aria-pressed", String(liked));
  }

  #like() {
    if (this.#clip) this.emit("like", { id: this.#clip.id, on: this.heart.getAttribute("aria-pressed") !== "true" });
  }
}

customElements.define("hs-feed-item", FeedItem);
