/** The picture or video of one clip, through the playback resolver. Attributes: `clip`, `media`, `poster`, `image`. */

import { FrameOnScreen } from "../clip/frame.js";
import { h, icon, setText } from "../dom.js";
import { text } from "../messages.js";
import { isReady } from "../store.js";
import { HsElement } from "./element.js";
/** @import { Clip } from "../types.js" */

export class ClipPlayer extends HsElement {
  /** @type {import("../api.js").Api|null} set by the page */
  api = null;
  /** @type {FrameOnScreen|null} what its video shows */
  frame = null;
  #shown = ""; // the clip and whether it was ready
  /** @type {Clip|null} */
  #clip = null;
  #loading = new AbortController();
  /** @type {import("../direct_address.js").DirectAddress|null} null: played through Hindsight */
  #direct = null;
  #loaded = false;
  /** Where to resume, in seconds, and whether it was paused. */
  #at = 0;
  #paused = false;
  /** Where playback resumed after an address had expired; a failure at the same place has another reason. */
  #resumed = -1;

  words = h("p");
  again = h(
    "button",
    { type: "button", class: "button", on: { click: () => this.#retry() } },
    icon("retry"),
    text.clips.retry,
  );
  notice = h("div", { class: "player-notice", role: "status" }, this.words, this.again);
  stage = h("div", { class: "player-stage" });

  build() {
    this.append(this.stage, this.notice);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    document.addEventListener("box-back", () => this.again.hidden || this.#retry(), { signal });
  }

  /** @param {Clip|null} clip */
  show(clip) {
    const key = clip ? `${clip.id} ${isReady(clip) || clip.status} ${clip.stale}` : "";
    this.#clip = clip;
    if (key === this.#shown) return;
    this.#shown = key;
    this.#unload();
    [this.#at, this.#paused, this.#resumed] = [0, false, -1];
    if (clip) this.#load(clip);
  }

  /** @param {Clip} clip @param {"expired"|"failed"} [after] why the previous address does not work */
  async #load(clip, after) {
    this.#say("", false);
    if (!isReady(clip)) {
      this.#picture(clip.thumbnail_url);
      const words = { pending: text.clip.recording, processing: text.clip.processing, failed: text.clip.failed };
      const said = clip.stale ? text.live.lost : words[/** @type {"pending"} */ (clip.status)];
      return this.#say(said ?? "", false);
    }
    if (clip.media_type === "image") return this.#picture(clip.image_url);
    this.#say(after === "expired" ? text.clip.expired : text.clip.loading, false);
    const { api } = this;
    const { signal } = this.#loading;
    if (!api) return;
    try {
      const { resolvePlayback } = await import("../clip/playback.js");
      const preparing = () => signal.aborted || this.#say(text.clip.preparing, false);
      const playback = await resolvePlayback(api, clip, signal, after, preparing);
      const Direct = playback.mode === "direct_url" ? (await import("../direct_address.js")).DirectAddress : null;
      if (!signal.aborted) this.#play(clip, playback, Direct);
    } catch (error) {
      if (!signal.aborted) this.#say(`${text.clip.cannotPlay} ${/** @type {Error} */ (error).message}`, true);
    }
  }

  /**
   * @param {Clip} clip
   * @param {import("../types.js").Playback} playback
   * @param {typeof import("../direct_address.js").DirectAddress|null} Direct
   */
  #play(clip, playback, Direct) {
    this.#loaded = false;
    const known = this.stage.querySelector("video");
    const video = known ?? this.#video(clip);
    video.autoplay = !this.#paused;
    this.#direct?.end();
    this.#direct = Direct && new Direct(video, playback.lives_ms, () => this.#failed(video));
    video.src = playback.playback_url; // keeping the element keeps full screen
    if (!known) this.stage.replaceChildren(video);
  }

  /** @param {Clip} clip */
  #video(clip) {
    if (clip.width && clip.height) this.style.setProperty("--ratio", `${clip.width} / ${clip.height}`);
    const { api } = this;
    const video = /** @type {HTMLVideoElement} */ (
      h("video", {
        controls: true,
        playsinline: true,
        preload: "auto",
        poster: clip.thumbnail_url,
        on: {
          error: () => this.#failed(video),
          loadedmetadata: () => {
            if (this.#at) video.currentTime = this.#at;
          },
          loadeddata: () => {
            this.#loaded = true;
            this.#say("", false);
          },
        },
      })
    );
    if (api) this.frame = new FrameOnScreen(video, () => api.clipFrames(clip.id));
    return video;
  }

  /**
   * An address of the store that worked has expired; one that never worked is given up.
   * @param {HTMLVideoElement} video
   */
  #failed(video) {
    const clip = this.#clip;
    if (!clip || !video.hasAttribute("src")) return;
    this.#direct?.end();
    if (this.#loaded) [this.#at, this.#paused] = [video.currentTime, video.paused && !video.ended];
    const expired = this.#loaded && Math.abs(this.#at - this.#resumed) > 0.5;
    this.#resumed = this.#at;
    if (this.#direct) return void this.#load(clip, expired ? "expired" : "failed");
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

  /** A <video> that is only removed keeps loading and holds a connection. */
  #unload() {
    this.#direct?.end();
    this.#loading.abort();
    this.#loading = new AbortController();
    const video = this.stage.querySelector("video");
    video?.pause();
    video?.removeAttribute("src");
    video?.load();
    this.stage.replaceChildren();
    this.frame = null;
  }
}

customElements.define("hs-clip-player", ClipPlayer);
