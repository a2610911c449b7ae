/**
 * A stretch of the past that stays to be looked at: one pinned replay of an H.264 camera, or the frames of one that sends
 * pictures. Shows a moment, plays a span. Of many wishes to look somewhere only the latest is carried out.
 */

import { h } from "../dom.js";
/** @import { Api } from "../api.js" */
/** @import { Camera } from "../types.js" */

const KEEP_MS = 20_000;
/** Inside the frame, not on its edge: players round. */
const INTO_FRAME_S = 0.002;

/**
 * @param {Api} api @param {Camera} camera @param {AbortSignal} signal
 * @returns {Promise<Past>}
 */
export async function openPast(api, camera, signal) {
  if (camera.codec === "h264") return new VideoPast(api, await api.replay(camera.id, signal));
  return new FramesPast(await api.frames(camera.id, signal));
}

/** What both kinds share. */
export class Past {
  from_ms = 0;
  to_ms = 0;
  frame_ms = 1000 / 30;
  /** @type {string|null} for saving from it */
  token = null;
  /** @type {HTMLElement} */
  element = h("div");
  /** @type {(at_ms: number) => void} told while it plays */
  onPlayed = () => undefined;
  /** @type {(playing: boolean) => void} */
  onPlaying = () => undefined;
  /** @type {() => void} the exact picture is there */
  onShown = () => undefined;
  /** @type {() => void} it cannot be looked at any more */
  onGone = () => undefined;

  /** @param {number} _at_ms */
  show(_at_ms) {}

  /** @param {number} _start_ms @param {number} _end_ms */
  play(_start_ms, _end_ms) {}

  pause() {}

  close() {}
}

class VideoPast extends Past {
  #api;
  #url;
  #timer;
  #closed = new AbortController();
  /** @type {number|null} the latest wish, s; null: it is on screen */
  #wanted_s = null;
  #end_ms = 0;

  /** @param {Api} api @param {{url: string, token: string, start_time: string, end_time: string, duration_seconds: number, frame_count: number}} told */
  constructor(api, told) {
    super();
    this.#api = api;
    this.#url = told.url;
    this.token = told.token;
    this.from_ms = Date.parse(told.start_time);
    this.to_ms = this.from_ms + told.duration_seconds * 1000;
    this.frame_ms = (told.duration_seconds * 1000) / Math.max(1, told.frame_count);
    const video = h("video", {
      class: "past-picture", muted: true, playsinline: true, preload: "auto", src: told.url,
      on: {
        seeked: () => this.#seeked(), error: () => this.onGone(), timeupdate: () => this.#moved(),
        play: () => this.onPlaying(true), pause: () => this.onPlaying(false), loadeddata: () => this.#seek(),
      },
    });
    // The past is heard where the live picture is (`hs-sound-button`).
    video.muted = localStorage.getItem("hindsight.sound") !== "on";
    this.element = this.video = video;
    // A pinned replay goes a minute after its last use; somebody who looks at one picture still uses it.
    this.#timer = setInterval(() => { if (!document.hidden) api.touch(told.url).catch(() => this.onGone()); }, KEEP_MS);
    addEventListener("pagehide", () => this.#release(), { signal: this.#closed.signal });
  }

  /** @param {number} at_ms */
  show(at_ms) {
    const idle = this.#wanted_s === null;
    this.#wanted_s = Math.max(0, Math.min(this.to_ms - this.frame_ms, at_ms) - this.from_ms) / 1000 + INTO_FRAME_S;
    if (idle || !this.video.seeking) this.#seek();
  }

  /** @param {number} start_ms @param {number} end_ms */
  play(start_ms, end_ms) {
    const now_ms = this.from_ms + this.video.currentTime * 1000;
    this.#end_ms = end_ms;
    if (now_ms < start_ms - 1 || now_ms > end_ms - this.frame_ms) this.video.currentTime = (start_ms - this.from_ms) / 1000 + INTO_FRAME_S;
    this.video.play().catch(() => undefined);
  }

  pause() {
    this.video.pause();
  }

  close() {
    clearInterval(this.#timer);
    this.onGone = () => undefined;
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
    this.#closed.abort();
    this.#release();
  }

  #release() {
    this.#api.closeReplay(this.#url).catch(() => undefined);
  }

  #seek() {
    if (this.#wanted_s === null || this.video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    this.video.currentTime = this.#wanted_s;
  }

  #seeked() {
    if (this.#wanted_s !== null && Math.abs(this.video.currentTime - this.#wanted_s) > 0.001) return this.#seek();
    this.#wanted_s = null;
    this.onShown();
  }

  #moved() {
    if (this.video.paused) return;
    const at_ms = this.from_ms + this.video.currentTime * 1000;
    if (at_ms >= this.#end_ms) this.video.pause();
    this.onPlayed(Math.min(at_ms, this.#end_ms));
  }
}

class FramesPast extends Past {
  /** @type {Array<{at_ms: number, url: string}>} */
  #frames;
  #playing = 0;
  /** @type {string|null} */
  #wanted = null;

  /** @param {{frames: Array<{label: string, frame_url: string}>}} told */
  constructor({ frames }) {
    super();
    this.#frames = frames.map(({ label, frame_url }) => ({ at_ms: Date.parse(label), url: frame_url }));
    const last = this.#frames.length - 1;
    this.from_ms = this.#frames[0]?.at_ms ?? 0;
    this.frame_ms = last > 0 ? (this.#frames[last].at_ms - this.from_ms) / last : 1000 / 30;
    this.to_ms = (this.#frames[last]?.at_ms ?? 0) + this.frame_ms;
    this.element = this.image = h("img", { class: "past-picture", alt: "", on: { load: () => this.#next(true), error: () => this.#next(false) } });
  }

  /** @param {number} at_ms */
  show(at_ms) {
    const url = this.#at(at_ms)?.url ?? null;
    const idle = this.#wanted === null;
    this.#wanted = url;
    if (idle && url) this.image.src = url;
  }

  /** As fast as the pictures come, never faster than they were. @param {number} start_ms @param {number} end_ms */
  play(start_ms, end_ms) {
    this.pause();
    const begun_ms = performance.now();
    this.onPlaying(true);
    const tick = () => {
      const at_ms = start_ms + performance.now() - begun_ms;
      this.show(Math.min(at_ms, end_ms - this.frame_ms));
      this.onPlayed(Math.min(at_ms, end_ms));
      if (at_ms >= end_ms) this.pause();
      else this.#playing = requestAnimationFrame(tick);
    };
    this.#playing = requestAnimationFrame(tick);
  }

  pause() {
    if (this.#playing === 0) return;
    cancelAnimationFrame(this.#playing);
    this.#playing = 0;
    this.onPlaying(false);
  }

  close() {
    this.pause();
    this.#wanted = null;
    this.image.removeAttribute("src");
  }

  /** @param {number} at_ms */
  #at(at_ms) {
    return this.#frames.findLast((frame) => frame.at_ms <= at_ms) ?? this.#frames[0];
  }

  /** @param {boolean} shown */
  #next(shown) {
    const wanted = this.#wanted;
    if (wanted !== null && !this.image.src.endsWith(wanted)) {
      this.image.src = wanted;
      return;
    }
    this.#wanted = null;
    if (shown) this.onShown();
    else this.onGone();
  }
}
