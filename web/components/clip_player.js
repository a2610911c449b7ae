/** The picture or video of one clip, through the playback resolver. Attributes: `clip`, `media`, `poster`, `image`. */

import { h, icon, setText } from "../dom.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";
/** @import { Clip } from "../types.js" */

export class ClipPlayer extends HsElement {
  /** @type {import("../api.js").Api|null} set by the page */
  api = null;
  /** What is loaded: the clip and whether it was playable. */
  #shown = "";
  /** @type {Clip|null} */
  #clip = null;
  #loading = new AbortController();

  words = h("p");
  again = h("button", { type: "button", class: "button", on: { click: () => this.#retry() } }, icon("retry"), text.clips.retry);
  notice = h("div", { class: "player-notice", role: "status" }, this.words, this.again);
  stage = h("div", { class: "player-stage" });

  build() {
    this.append(this.stage, this.notice);
  }

  /** @param {Clip|null} clip */
  show(clip) {
    const key = clip ? `${clip.id} ${playable(clip)}` : "";
    this.#clip = clip;
    if (key === this.#shown) return;
    this.#shown = key;
    this.#unload();
    if (clip) this.#load(clip);
  }

  /** @param {Clip} clip */
  async #load(clip) {
    this.#say("", false);
    if (!playable(clip)) {
      this.#picture(clip.thumbnail_url);
      const words = { pending: text.clip.recording, processing: text.clip.processing, failed: text.clip.failed };
      return this.#say(words[/** @type {"pending"} */ (clip.status)] ?? "", false);
    }
    if (clip.media_type === "image") return this.#picture(clip.image_url);
    const { signal } = this.#loading;
    try {
      const playback = await this.api?.playback(clip.id, signal);
      if (!signal.aborted && playback) this.#video(clip, playback.playback_url);
    } catch (error) {
      if (!signal.aborted) this.#say(`${text.clip.cannotPlay} ${/** @type {Error} */ (error).message}`, true);
    }
  }

  /** @param {Clip} clip @param {string} url */
  #video(clip, url) {
    const video = h("video", {
      controls: true, playsinline: true, autoplay: true, preload: "auto", poster: clip.thumbnail_url, src: url,
      on: { error: () => this.#failed(/** @type {HTMLVideoElement} */ (video)) },
    });
    if (clip.width && clip.height) this.style.setProperty("--ratio", `${clip.width} / ${clip.height}`);
    this.stage.replaceChildren(video);
  }

  /** @param {HTMLVideoElement} video */
  #failed(video) {
    const codec = video.error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED && video.error.message === "";
    this.#say(codec ? text.clip.noCodec : `${text.clip.cannotPlay} ${video.error?.message ?? ""}`.trim(), true);
  }

  /** @param {string|null} url */
  #picture(url) {
    if (url) this.stage.replaceChildren(h("img", { src: url, alt: "" }));
  }

  #retry() {
    this.#unload();
    if (this.#clip) this.#load(this.#clip);
  }

  /** @param {string} words @param {boolean} again */
  #say(words, again) {
    setText(this.words, words);
    this.notice.hidden = words === "";
    this.again.hidden = !again;
  }

  /** A <video> that is only removed goes on loading and holds a connection. */
  #unload() {
    this.#loading.abort();
    this.#loading = new AbortController();
    const video = this.stage.querySelector("video");
    video?.pause();
    video?.removeAttribute("src");
    video?.load();
    this.stage.replaceChildren();
  }
}

/** @param {Clip} clip */
function playable(clip) {
  return clip.status === "draft" || clip.status === "published";
}

customElements.define("hs-clip-player", ClipPlayer);
