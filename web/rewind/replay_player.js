/**
 * Plays buffered video: one pinned replay of an H.264 camera, or the buffered frames of any other. Shows a frame,
 * plays from one to another; frames are named by their labels. Of many requests to show a frame only the latest counts.
 */

import { here } from "../base.js";
import { editLists } from "../clip/edit_lists.js";
import { shown } from "../clip/frame.js";
import { h } from "../dom.js";
import { formatLabel, fromMs, parseLabel, SECOND_US } from "../timestamps.js";
import { Frames } from "./frames.js";

/** @import { Api } from "../api.js" */
/** @import { Camera, FramesResponse, ReplayResponse } from "../types.js" */

const KEEP_MS = 20_000;
/** How long to wait for the picture after a seek: in a hidden page, and in browsers that do not report painting. */
const PAINT_MS = 2000;
const PAINT_WITHOUT_CALLBACK_MS = 100;
/** If no other picture follows for so long, the one that was painted is the one that was sought. */
const LAST_PAINTED_MS = 600;
/** Frames that leave memory this soon count as gone. */
const LEAVING_US = SECOND_US;

/**
 * @param {Api} api @param {Camera} camera @param {AbortSignal} signal
 * @returns {Promise<ReplayPlayer>}
 */
export async function openReplayPlayer(api, camera, signal) {
  if (camera.codec === "h264")
    return new VideoReplayPlayer(api, await api.replay(camera.id, signal, (await editLists()) !== "honoured"));
  return new StillReplayPlayer(api, camera.id, await api.frames(camera.id, signal));
}

/** What both players share. */
export class ReplayPlayer {
  /** @type {Frames} */
  frames;
  /** @type {string|null} names the replay when a span of it is saved */
  token = null;
  /** @type {HTMLElement} */
  element = h("div");
  /** @type {(at_us: number) => void} reports each frame while it plays */
  onPlayed = () => undefined;
  /** @type {(playing: boolean) => void} */
  onPlaying = () => undefined;
  /** @type {() => void} the requested frame is on screen */
  onShown = () => undefined;
  /** @type {() => void} the oldest `frames` have gone */
  onTrimmed = () => undefined;
  /** @type {() => void} it cannot be shown any more */
  onGone = () => undefined;

  /** @param {FramesResponse} response */
  constructor(response) {
    this.frames = Frames.fromResponse(response);
  }

  /** @param {number} _at_us */
  show(_at_us) {}

  /** Plays and stops at the last frame. @param {number} _from_us @param {number} _last_us */
  play(_from_us, _last_us) {}

  /** Stops at the frame that was reported last. */
  pause() {}

  close() {}

  /** @param {number} us */
  forgetBefore(us) {
    this.frames = this.frames.from(us);
    this.onTrimmed();
  }
}

class VideoReplayPlayer extends ReplayPlayer {
  #api;
  #url;
  /** See `shown`. */
  #shift_s;
  /** @type {[number, number]|null} */
  #rest = null;
  #timer;
  #paintTimer = 0;
  #patience_ms = PAINT_MS;
  #closed = new AbortController();
  /** @type {number|null} the latest request; null: it is on screen, or the video plays */
  #wanted_us = null;
  /** @type {number|null} the target of the last seek */
  #sought_us = null;
  /** @type {number|null} the frame painted since the first seek to that target */
  #painted_us = null;
  #played_us = 0;
  #last_us = 0;

  /** @param {Api} api @param {ReplayResponse} response */
  constructor(api, response) {
    super(response);
    this.#api = api;
    this.#url = response.url;
    this.#shift_s = response.media_start_seconds;
    this.token = response.token;
    const video = h("video", {
      class: "replay-picture",
      muted: true,
      playsinline: true,
      preload: "auto",
      src: response.url,
      on: {
        seeked: () => this.#seeked(),
        error: () => this.onGone(),
        loadeddata: () => this.#seek(),
        timeupdate: () => this.#moved(this.frames.atMediaTime(video.currentTime)),
        play: () => this.onPlaying(true),
        pause: () => this.#paused(),
      },
    });
    // A replay has sound if the live picture has (`hs-sound-button`).
    video.muted = localStorage.getItem("hindsight.sound") !== "on";
    this.element = this.video = video;
    this.#watch();
    // A pinned replay ends a minute after its last use; a viewer who looks at one picture still uses it.
    this.#timer = setInterval(() => {
      if (!document.hidden) api.touch(response.url).catch(() => this.onGone());
    }, KEEP_MS);
    addEventListener("pagehide", () => this.#release(), { signal: this.#closed.signal });
  }

  /** @param {number} at_us */
  show(at_us) {
    this.#wanted_us = at_us;
    if (!this.video.seeking) this.#seek();
  }

  /** @param {number} from_us @param {number} last_us */
  play(from_us, last_us) {
    if (this.#wanted_us !== null || this.#sought_us !== from_us) this.#goTo(from_us);
    this.#wanted_us = null;
    this.#last_us = last_us;
    this.#played_us = from_us;
    this.onPlayed(from_us);
    this.video.play().catch(() => undefined);
  }

  pause() {
    this.video.pause();
  }

  close() {
    clearInterval(this.#timer);
    clearTimeout(this.#paintTimer);
    this.onGone = () => undefined;
    this.#closed.abort();
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
    this.#release();
  }

  #release() {
    this.#api.closeReplay(this.#url).catch(() => undefined);
  }

  #seek() {
    if (this.#wanted_us !== null && this.video.readyState >= HTMLMediaElement.HAVE_METADATA)
      this.#goTo(this.#wanted_us);
  }

  /** @param {number} at_us */
  #goTo(at_us) {
    clearTimeout(this.#paintTimer);
    if (at_us !== this.#sought_us) this.#painted_us = null;
    this.#sought_us = at_us;
    this.video.currentTime = this.frames.seekTime(at_us);
  }

  #seeked() {
    if (this.#wanted_us === null) return;
    if (this.#sought_us !== this.#wanted_us) return this.#seek();
    this.#settle(this.#patience_ms);
  }

  /**
   * A seek is over before its picture is on screen, so only the painted frame counts. A seek to the frame that is on
   * screen already paints nothing.
   */
  #watch() {
    this.video.requestVideoFrameCallback?.((_now, { mediaTime }) => {
      if (this.#closed.signal.aborted) return;
      this.#watch();
      this.#patience_ms = PAINT_MS;
      const { currentTime: now_s, paused, seeking } = this.video;
      if (paused && !seeking && this.#wanted_us !== null) this.#rest = [now_s, mediaTime];
      this.#painted_us = this.frames.painted(shown(now_s, mediaTime, this.#shift_s, this.#rest));
      this.#settle(LAST_PAINTED_MS);
      this.#moved(this.#painted_us);
    });
  }

  /** @param {number} patience_ms how long to wait for another picture */
  #settle(patience_ms) {
    if (this.#wanted_us === null || this.video.seeking) return;
    if (this.#painted_us === this.#wanted_us) return this.#arrived();
    clearTimeout(this.#paintTimer);
    this.#paintTimer = setTimeout(() => this.#assume(), patience_ms);
  }

  /** Nothing else is painted, so this must be the picture that was sought. */
  #assume() {
    if (this.#painted_us === null) this.#patience_ms = PAINT_WITHOUT_CALLBACK_MS;
    this.#arrived();
  }

  #arrived() {
    clearTimeout(this.#paintTimer);
    this.#wanted_us = null;
    this.onShown();
  }

  /** @param {number} at_us */
  #moved(at_us) {
    if (this.video.paused || this.video.seeking || this.#wanted_us !== null) return;
    this.#played_us = Math.min(at_us, this.#last_us);
    this.onPlayed(this.#played_us);
    if (at_us >= this.#last_us) this.video.pause();
  }

  /** A player stops between two frames; then show the frame that was reported last. */
  #paused() {
    if (this.#closed.signal.aborted) return;
    if (this.video.ended) {
      this.#played_us = this.#last_us;
      this.onPlayed(this.#played_us);
    }
    this.onPlaying(false);
    if (this.#wanted_us === null) this.show(this.#played_us);
  }
}

class StillReplayPlayer extends ReplayPlayer {
  #api;
  #camera;
  #closed = new AbortController();
  #playing = 0;
  #played_us = 0;
  #last_us = 0;
  /** @type {number|null} the latest request; null: it is on screen */
  #wanted_us = null;
  /** @type {number|null} the picture that was loaded last */
  #requested_us = null;

  /** @param {Api} api @param {string} camera @param {FramesResponse} response */
  constructor(api, camera, response) {
    super(response);
    this.#api = api;
    this.#camera = camera;
    this.element = this.image = h("img", {
      class: "replay-picture",
      alt: "",
      decoding: "sync",
      on: { load: () => this.#loaded(), error: () => this.#failed() },
    });
  }

  /** @param {number} at_us */
  show(at_us) {
    const idle = this.#wanted_us === null;
    this.#wanted_us = at_us;
    if (idle) this.#load(at_us);
  }

  /** Plays as fast as the pictures load, at most in real time. @param {number} from_us @param {number} last_us */
  play(from_us, last_us) {
    this.#halt();
    this.#last_us = last_us;
    this.#played_us = from_us;
    this.onPlaying(true);
    this.onPlayed(from_us);
    const begun_ms = performance.now();
    const tick = () => {
      this.#playing = requestAnimationFrame(tick);
      const at_us = this.frames.at(Math.min(last_us, from_us + fromMs(performance.now() - begun_ms)));
      if (at_us !== this.#requested_us || at_us === last_us) this.show(at_us);
    };
    this.#playing = requestAnimationFrame(tick);
  }

  pause() {
    if (this.#halt()) this.show(this.#played_us);
  }

  close() {
    this.#halt();
    this.#closed.abort();
    this.#wanted_us = null;
    this.image.removeAttribute("src");
  }

  /** @returns {boolean} whether it was playing */
  #halt() {
    if (this.#playing === 0) return false;
    cancelAnimationFrame(this.#playing);
    this.#playing = 0;
    this.onPlaying(false);
    return true;
  }

  /** @param {number} at_us */
  #load(at_us) {
    this.#requested_us = at_us;
    this.image.src = here(`/api/cameras/${encodeURIComponent(this.#camera)}/frame.jpg?at=${formatLabel(at_us)}`);
  }

  #loaded() {
    const [wanted_us, shown_us] = [this.#wanted_us, this.#requested_us];
    if (wanted_us === null || shown_us === null) return;
    if (wanted_us === shown_us) this.#wanted_us = null;
    else this.#load(wanted_us);
    if (this.#playing) {
      this.#played_us = shown_us;
      this.onPlayed(shown_us);
      if (shown_us === this.#last_us) this.pause();
    } else if (wanted_us === shown_us) this.onShown();
  }

  /** Pictures are not pinned: those that have left the buffer cannot be shown any more. */
  async #failed() {
    this.#halt();
    const requested_us = this.#requested_us ?? 0;
    this.#wanted_us = null;
    try {
      const { start_time } = await this.#api.frames(this.#camera, this.#closed.signal);
      const kept_us = parseLabel(start_time) + LEAVING_US;
      if (requested_us >= kept_us || kept_us >= this.frames.to_us) return this.onGone();
      this.forgetBefore(kept_us);
    } catch {
      if (!this.#closed.signal.aborted) this.onGone();
    }
  }
}
