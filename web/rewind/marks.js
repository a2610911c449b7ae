/**
 * The frame on screen and the marked span, always at frames. `at_us` is the label of the frame on screen, `start_us`
 * that of the first marked frame, `end_us` that of the first frame after the span. Pure: each step returns a new frozen
 * state.
 */

import { SECOND_US } from "../timestamps.js";

/** @import { MarkState } from "../types.js" */
/** @import { Frames } from "./frames.js" */

const AROUND_US = 5 * SECOND_US;

/** @param {Frames} frames @param {number} at_us @returns {MarkState} */
export function begin(frames, at_us) {
  return look(Object.freeze({ frames, at_us, start_us: frames.from_us, end_us: frames.to_us, marked: false }), at_us);
}

/**
 * Until the viewer marks a span, it surrounds the frame on screen.
 * @param {MarkState} state
 * @param {number} us
 * @returns {MarkState}
 */
export function look(state, us) {
  const { frames } = state;
  const at_us = frames.at(us);
  if (state.marked) return Object.freeze({ ...state, at_us });
  const start_us = frames.at(Math.min(at_us - AROUND_US, frames.to_us - 2 * AROUND_US));
  return Object.freeze({ ...state, at_us, start_us, end_us: frames.endOf(start_us + 2 * AROUND_US - 1) });
}

/** Starts the span with the frame of a moment. @param {MarkState} state @param {number} us @returns {MarkState} */
export function markStart(state, us) {
  const { frames } = state;
  return Object.freeze({
    ...state,
    marked: true,
    start_us: frames.at(us),
    end_us: Math.max(state.end_us, frames.endOf(us)),
  });
}

/**
 * Ends the span with the frame of a moment, inclusive.
 * @param {MarkState} state
 * @param {number} us
 * @returns {MarkState}
 */
export function markEnd(state, us) {
  const { frames } = state;
  return Object.freeze({
    ...state,
    marked: true,
    end_us: frames.endOf(us),
    start_us: Math.min(state.start_us, frames.at(us)),
  });
}

/** The last marked frame. @param {MarkState} state */
export function lastMarked({ frames, end_us }) {
  return frames.at(end_us - 1);
}

/**
 * The same marks on other frames: the real ones are known now, or the oldest are gone.
 * @param {MarkState} state
 * @param {Frames} frames
 * @param {number} at_us
 */
export function onto(state, frames, at_us) {
  const begun = begin(frames, at_us);
  return state.marked ? look(markEnd(markStart(begun, state.start_us), state.end_us - 1), at_us) : begun;
}

/** How many frames an arrow key moves a slider; 0: another key. @param {string} key */
export function framesOf(key) {
  return { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[key] ?? 0;
}

/**
 * Where a key moves a slider, by the ARIA slider pattern; null: not one of its keys.
 * @param {string} key @param {number} us @param {Frames} frames
 */
export function stepped(key, us, frames) {
  switch (key) {
    case "PageDown":
      return us - SECOND_US;
    case "PageUp":
      return us + SECOND_US;
    case "Home":
      return frames.from_us;
    case "End":
      return frames.to_us;
    default:
      return framesOf(key) ? frames.stepped(us, framesOf(key)) : null;
  }
}
