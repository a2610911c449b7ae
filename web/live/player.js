/**
 * Live picture of one camera: socket → media feed → play head in a <video>, or socket → painter on a <canvas> if the
 * camera sends JPEGs; knows which frame is on screen. It reports phases and never gives up; only `close` ends it.
 */

import { here } from "../base.js";
import { STALE_MS } from "../freshness.js";
import { toMs } from "../timestamps.js";
import { JpegPainter } from "./jpeg_painter.js";
import { LabelTrack } from "./labels.js";
import { canPlay, MediaFeed, mediaSourceAvailable, mediaSourceManaged } from "./media_feed.js";
import { Playhead } from "./playhead.js";
import { LiveSocket } from "./socket.js";

/** @import { LiveInit, PlayerHandlers } from "../types.js" */

const TICK_MS = 200;
const LAGS = 15;
const FEWEST_LAGS = 5;
/** A player that moves for so long without reporting a picture does not report them. */
const UNREPORTED_MS = 600;
/** Main profile, as most cameras send it; whether this camera's profile plays turns out when it arrives. */
const H265 = 'video/mp4; codecs="hvc1.1.6.L120.B0"';

/** Where the live picture of a camera comes from. @param {string} camera its id */
export function liveAddress(camera) {
  const url = new URL(here(`/live/${encodeURIComponent(camera)}`), location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

export class LivePlayer {
  #video;
  #canvas;
  #handlers;
  #socket;
  #plainUrl;
  #codec = "";
  /** @type {JpegPainter|null} */
  #painter = null;
  #labels = new LabelTrack();
  // pacing.js writes down in which browser a change of the rate was seen to cost pictures.
  #playhead = new Playhead({
    gentle: !mediaSourceManaged && localStorage["hindsight.stutters"] !== navigator.userAgent,
  });
  /** @type {import("./pacing.js").Pacing|null} imported after the first picture */
  #pacing = null;
  /** @type {MediaFeed|null} */
  #feed = null;
  #started = false;
  #abort = new AbortController();
  /** @type {number|null} media time of the frame last painted */
  #painted_s = null;
  /** When the browser last reported a picture, or the position was last seen at rest. */
  #reported_ms = 0;
  #moved_s = 0;
  #playing = false;
  #hold_s = 0;
  /** @type {number[]} of the last pictures, ms */
  #lags = [];

  /**
   * @param {{video: HTMLVideoElement, canvas: HTMLCanvasElement}} screen one is hidden while the other is shown
   * @param {string} url
   * @param {PlayerHandlers} handlers
   */
  constructor({ video, canvas }, url, handlers) {
    this.#video = video;
    this.#canvas = canvas;
    this.#handlers = handlers;
    const { signal } = this.#abort;
    video.addEventListener(
      "waiting",
      () => {
        if (this.#started && !video.seeking) this.#playhead.starved();
      },
      { signal },
    );
    video.addEventListener("error", () => this.#broken(), { signal });
    const tick = setInterval(() => this.#tick(), TICK_MS);
    signal.addEventListener("abort", () => clearInterval(tick));
    this.#watchFrames();
    this.#plainUrl = url;
    this.#socket = new LiveSocket(canPlay(H265) ? `${url}?h265=1` : url, {
      onInit: (init) => this.#begin(init),
      onState: ({ state, reason }) => handlers.onCameraState(state, reason),
      onInitSegment: (data) => this.#feed?.append(data),
      onFragment: ({ data, media_time_s, label_us }) => {
        this.#labels.add(media_time_s, label_us);
        this.#playhead.arrived(media_time_s, performance.now() / 1000);
        this.#feed?.append(data);
        if (!this.#started) this.#tick();
      },
      onJpeg: ({ data, label_us }) => this.#later(() => this.#painter?.paint(data, label_us)),
      onLink: (up) => handlers.onPhase(up ? "opening" : "lost", ""),
    });
  }

  /**
   * The label of the frame at a media time; JPEGs have none: the label on screen. @param {number} time_s
   * @returns {number|null} µs since the epoch
   */
  labelAt(time_s) {
    return this.#painter ? this.#painter.label_us : this.#labels.at(time_s);
  }

  /** The label of the frame on screen, null before the first. */
  get labelOnScreen() {
    if (this.#painter) return this.#painter.label_us;
    return this.#started ? this.labelAt(this.#painted_s ?? this.#video.currentTime) : null;
  }

  hurry() {
    this.#socket.hurry();
  }

  /**
   * Why the picture on screen is not live, although it plays: after a pause of the box or of this device, old ones come
   * first.
   * @param {number} now_ms on the server's clock @returns {"lost"|"opening"|null}
   */
  trouble(now_ms) {
    if (!this.#socket.current) return "lost";
    const label_us = this.labelOnScreen;
    return label_us !== null && now_ms - toMs(label_us) > STALE_MS ? "opening" : null;
  }

  /** From a label to its moment on screen; null until it is steady. */
  get lag_ms() {
    const { length } = this.#lags;
    if (length < FEWEST_LAGS || (this.#feed && !this.#playhead.settled)) return null;
    return [...this.#lags].sort((a, b) => a - b)[length >> 1];
  }

  /** Stays this far behind the newest picture. @param {number} seconds */
  hold(seconds) {
    this.#hold_s = seconds;
    this.#lags = [];
    this.#playhead.hold(seconds);
  }

  close() {
    this.#abort.abort();
    this.#socket.close();
    this.#painter?.close();
    this.#feed?.close();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** @param {LiveInit} init */
  #begin(init) {
    const painted = init.codec === "mjpeg";
    if (!painted && !mediaSourceAvailable) return this.#handlers.onPhase("unsupported", "");
    this.#codec = init.codec;
    if (!painted && !canPlay(init.mime ?? ""))
      return this.#isH265 ? this.#broken() : this.#handlers.onPhase("unsupported", init.codec);
    this.#handlers.onRestart();
    this.#handlers.onSize(init.width, init.height);
    this.#clear();
    [this.#video.hidden, this.#canvas.hidden] = [painted, !painted];
    if (painted) this.#painter = new JpegPainter(this.#canvas, init.rotation ?? 0, () => this.#seen(performance.now()));
    else this.#feed = new MediaFeed(this.#video, init.mime ?? "", () => this.#broken());
  }

  #clear() {
    this.#painter?.close();
    this.#painter = null;
    this.#feed?.close();
    this.#feed = null;
    this.#labels.clear();
    this.#playhead.restart();
    this.#started = false;
    this.#painted_s = null;
    this.#playing = false;
    this.#lags = [];
  }

  /** @param {() => void} paint */
  #later(paint) {
    if (this.#hold_s) setTimeout(paint, this.#hold_s * 1000);
    else paint();
  }

  /** @param {number} at_ms when it is or was on screen */
  #seen(at_ms) {
    const label_us = this.labelOnScreen;
    if (label_us !== null && this.#lags.push(at_ms - toMs(label_us)) > LAGS) this.#lags.shift();
    if (this.#playing || this.#abort.signal.aborted) return;
    this.#playing = true;
    this.#handlers.onPhase("playing", "");
    if (this.#feed) this.#pace().catch(() => undefined);
  }

  async #pace() {
    const { Pacing } = await import("./pacing.js");
    this.#pacing ??= new Pacing(this.#video, this.#playhead, this.#abort.signal);
  }

  #broken() {
    this.#feed?.close();
    this.#feed = null;
    // H.265 is transcoded for clients that do not request it, so a browser that cannot play it gets H.264.
    if (!this.#abort.signal.aborted) this.#socket.restart(this.#isH265 ? this.#plainUrl : undefined);
  }

  get #isH265() {
    return this.#codec.startsWith("hvc1");
  }

  #tick() {
    if (this.#feed === null) return;
    const video = this.#video;
    const { ranges } = this.#feed;
    const [at_ms, now_s] = [performance.now(), video.currentTime];
    if (now_s <= this.#moved_s || video.seeking) this.#reported_ms = at_ms;
    else if (at_ms - this.#reported_ms > UNREPORTED_MS) this.#painted(null, at_ms);
    this.#moved_s = now_s;
    this.#pacing?.look(at_ms / 1000, (ranges.at(-1)?.[1] ?? 0) - now_s);
    const { seek_s, rate } = this.#playhead.decide({ at_s: at_ms / 1000, now_s, ranges, started: this.#started });
    if (seek_s !== null) {
      video.currentTime = seek_s;
      this.#started = true;
    }
    if (video.playbackRate !== rate) video.playbackRate = rate;
    // A browser that requires a gesture first (power saving) refuses; the next tick retries.
    if (this.#started && video.paused) video.play().catch(() => undefined);
    this.#playhead.steady(TICK_MS / 1000);
    this.#labels.forgetBefore(video.currentTime - 5);
  }

  /** @param {number|null} media_time_s null: not reported @param {number} at_ms */
  #painted(media_time_s, at_ms) {
    this.#painted_s = media_time_s;
    if (this.#started) this.#seen(at_ms);
  }

  #watchFrames() {
    this.#video.requestVideoFrameCallback?.((_now, { mediaTime, expectedDisplayTime }) => {
      if (this.#abort.signal.aborted) return;
      this.#reported_ms = performance.now();
      this.#painted(mediaTime, expectedDisplayTime);
      this.#watchFrames();
    });
  }
}
