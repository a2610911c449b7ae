/**
 * The live sound of one camera, which never delays the picture's own stream: pieces of AAC from a separate socket are
 * decoded one by one and played by Web Audio when their label is on screen. The picture only stays a little further
 * behind, because sound arrives later. Imported when a viewer turns the sound on.
 */

import { toMs } from "../timestamps.js";
import { LiveSocket } from "./socket.js";

/** @import { LiveInit, SoundPicture, SoundPiece, SoundState } from "../types.js" */

/** How far the picture stays behind the newest one: frames of sound are long and arrive in pieces. */
const FIRST_HOLD_S = 0.3;
const MOST_HOLD_S = 1;
/** How long before its time a piece should be scheduled. */
const SPARE_S = 0.03;
/** A smaller error is corrected by the playback rate, a larger one by a jump. */
const FAR_S = 0.035;
const MOST_BEND = 0.02;
const MOST_WAITING = 24;
const LATE_MS = 4000;

export class LiveSound {
  #picture;
  #isMute;
  #onState;
  #socket;
  #hold_s = FIRST_HOLD_S;
  /** @type {AudioContext|null} */
  context = null;
  /** @type {GainNode|null} the volume of all pieces */
  output = null;
  #waiting = 0;
  #chain = Promise.resolve();
  /** @type {number|null} where the last piece ends, on the context's clock */
  #next_s = null;
  #heard_ms = performance.now();
  /** @type {AbortController} */
  #abort = new AbortController();

  /**
   * @param {string} url
   * @param {SoundPicture} picture the live picture that the sound belongs to
   * @param {() => boolean} isMute whether the viewer looks at a replay instead
   * @param {(state: SoundState, reason: string) => void} onState
   */
  constructor(url, picture, isMute, onState) {
    this.#picture = picture;
    this.#isMute = isMute;
    this.#onState = onState;
    this.#socket = new LiveSocket(url, {
      onInit: (init) => this.#begin(init),
      onSound: (piece) => this.#take(piece),
      onUnplayable: ({ reason }) => {
        this.#silence();
        picture.hold(0);
        onState("none", reason);
      },
      onState: () => undefined,
      onInitSegment: () => undefined,
      onFragment: () => undefined,
      onJpeg: () => undefined,
      onLink: () => undefined,
    });
  }

  close() {
    this.#abort.abort();
    this.#socket.close();
    this.#silence();
    this.#picture.hold(0);
  }

  /** @param {LiveInit} init */
  #begin({ rate }) {
    this.#silence();
    // At the camera's own rate: resampling each piece separately would be audible between them.
    try {
      this.context = new AudioContext({ sampleRate: rate });
    } catch {
      this.context = new AudioContext();
    }
    const { context } = this;
    this.#picture.hold(this.#hold_s);
    this.output = context.createGain();
    this.output.connect(context.destination);
    this.#heard_ms = performance.now();
    const report = () => {
      if (context === this.context) this.#onState(context.state === "running" ? "opening" : "blocked", "");
    };
    context.addEventListener("statechange", report);
    report();
    // A browser may require a gesture first; any gesture will do.
    const wake = () => {
      if (context === this.context) context.resume().catch(() => undefined);
    };
    for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, wake, { signal: this.#abort.signal });
    wake();
  }

  #silence() {
    this.context?.close().catch(() => undefined);
    this.context = this.output = this.#next_s = null;
  }

  /**
   * Plays pieces in order; a page that is too slow skips some.
   * @param {SoundPiece} piece
   */
  #take(piece) {
    if (this.#waiting >= MOST_WAITING) return;
    this.#waiting += 1;
    this.#chain = this.#chain
      .then(() => this.#play(piece))
      .catch(() => undefined)
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  /** @param {SoundPiece} piece */
  async #play({ data, lead_s, label_us }) {
    const { context, output } = this;
    if (context?.state !== "running" || output === null) return;
    const buffer = await context.decodeAudioData(data).catch(() => null);
    const lag_ms = this.#picture.lag_ms;
    if (buffer === null || lag_ms === null || context !== this.context) {
      this.#next_s = null;
      return;
    }
    const wanted_s = this.#contextTime(context, toMs(label_us) + lag_ms);
    const error_s = this.#next_s === null ? Infinity : this.#next_s - wanted_s;
    const near = this.#next_s !== null && Math.abs(error_s) <= FAR_S;
    const rate = near ? 1 + Math.max(-MOST_BEND, Math.min(MOST_BEND, error_s / 2)) : 1;
    const at_s = near ? /** @type {number} */ (this.#next_s) : wanted_s;
    const spare_s = at_s - context.currentTime;
    if (spare_s < SPARE_S) this.#keepBehind(SPARE_S - spare_s);
    output.gain.value = this.#isMute() ? 0 : 1;
    const late_s = Math.max(0, -spare_s);
    const length_s = buffer.duration - lead_s - late_s;
    this.#next_s = null;
    if (length_s <= 0) return;
    const source = new AudioBufferSourceNode(context, { buffer, playbackRate: rate });
    source.connect(output);
    source.start(at_s + late_s, lead_s + late_s, length_s);
    this.#next_s = at_s + late_s + length_s / rate;
    this.#heard_ms = performance.now();
    this.#onState("on", "");
  }

  /** Converts the page's clock to the context's. @param {AudioContext} context @param {number} at_ms */
  #contextTime(context, at_ms) {
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    // Before the first sound is played, the context can only estimate.
    const [now_s, now_ms] = performanceTime
      ? [contextTime ?? 0, performanceTime]
      : [context.currentTime - (context.outputLatency || 0), performance.now()];
    return now_s + (at_ms - now_ms) / 1000;
  }

  /** @param {number} more_s by how much the sound is too late for the picture */
  #keepBehind(more_s) {
    if (this.#hold_s < MOST_HOLD_S) {
      this.#hold_s = Math.min(MOST_HOLD_S, this.#hold_s + more_s + 0.02);
      this.#picture.hold(this.#hold_s);
    } else if (performance.now() - this.#heard_ms > LATE_MS) this.#onState("late", "");
  }
}
