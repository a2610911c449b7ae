/** One look back: its replay player, the frame on screen and the marked span. */

import { begin, lastMarked, look, markEnd, markStart, onto } from "./marks.js";
import { openReplayPlayer } from "./replay_player.js";
/** @import { Api } from "../api.js" */
/** @import { Camera, MarkState } from "../types.js" */
/** @import { Frames } from "./frames.js" */
/** @import { ReplayPlayer } from "./replay_player.js" */

/**
 * @typedef {object} RewindHandlers
 * @property {() => void} onChange
 * @property {(element: HTMLElement) => void} onOpen the element that shows the picture
 * @property {() => void} onSeek another frame has been requested
 * @property {() => void} onShown the requested frame is on screen
 * @property {(words: string) => void} onLost it cannot continue; `words` empty: it has left memory
 */

export class RewindSession {
  #handlers;
  #abort = new AbortController();
  /** @type {ReplayPlayer|null} null while it is being opened */
  #player = null;
  /** The request until the frames are known: so many frames from the one of a moment. */
  #requested;
  playing = false;
  /** @type {MarkState} */
  marks;

  /**
   * @param {Api} api
   * @param {Camera} camera
   * @param {Frames} estimated
   * @param {number} at_us
   * @param {RewindHandlers} handlers
   */
  constructor(api, camera, estimated, at_us, handlers) {
    this.#handlers = handlers;
    this.#requested = { us: at_us, frames: 0 };
    this.marks = begin(estimated, at_us);
    this.#open(api, camera);
  }

  get token() {
    return this.#player?.token ?? undefined;
  }

  /** The label of the frame on screen; while the replay opens, the requested moment. */
  get at_us() {
    return this.#player ? this.marks.at_us : this.#requested.us;
  }

  /** @param {number} us */
  look(us) {
    this.#requested = { us, frames: 0 };
    this.marks = look(this.marks, us);
    this.#show();
  }

  /** @param {number} frames */
  step(frames) {
    if (this.#player) this.look(this.marks.frames.stepped(this.marks.at_us, frames));
    else this.#requested.frames += frames;
  }

  /** @param {"start"|"end"} which @param {number} us in the first or the last frame marked */
  mark(which, us) {
    this.marks = (which === "start" ? markStart : markEnd)(this.marks, us);
    this.look(us);
  }

  togglePlay() {
    const { at_us, start_us } = this.marks;
    const last_us = lastMarked(this.marks);
    if (this.playing) this.#player?.pause();
    else this.#player?.play(at_us >= start_us && at_us < last_us ? at_us : start_us, last_us);
  }

  close() {
    this.#abort.abort();
    this.#player?.close();
    this.#player?.element.remove();
  }

  #show() {
    this.#player?.pause();
    this.#handlers.onSeek();
    this.#player?.show(this.marks.at_us);
    this.#handlers.onChange();
  }

  /** @param {Api} api @param {Camera} camera */
  async #open(api, camera) {
    const { signal } = this.#abort;
    try {
      const player = await openReplayPlayer(api, camera, signal);
      if (signal.aborted) return player.close();
      this.#player = player;
      this.marks = onto(this.marks, player.frames, player.frames.stepped(this.#requested.us, this.#requested.frames));
      player.onShown = () => this.#handlers.onShown();
      player.onPlayed = (at_us) => {
        this.marks = Object.freeze({ ...this.marks, at_us });
        this.#handlers.onShown();
        this.#handlers.onChange();
      };
      player.onPlaying = (playing) => {
        this.playing = playing;
        this.#handlers.onChange();
      };
      player.onTrimmed = () => {
        this.marks = onto(this.marks, player.frames, this.marks.at_us);
        this.#show();
      };
      player.onGone = () => this.#handlers.onLost("");
      this.#handlers.onOpen(player.element);
      this.#show();
    } catch (error) {
      if (!signal.aborted) this.#handlers.onLost(/** @type {Error} */ (error).message);
    }
  }
}
