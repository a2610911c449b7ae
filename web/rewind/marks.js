/**
 * What is looked at and what is marked, on the line of one replay. Times are ms since the epoch. Pure: each step gives a
 * new frozen state.
 */

/** @import { MarkState } from "../types.js" */

const AROUND_MS = 5000;
const SHORTEST_MS = 100;

/** @param {number} value @param {number} low @param {number} high */
const within = (value, low, high) => Math.max(low, Math.min(high, value));

/** @param {number} from_ms @param {number} to_ms @param {number} at_ms @returns {MarkState} */
export function begin(from_ms, to_ms, at_ms) {
  return look(Object.freeze({ from_ms, to_ms, at_ms, start_ms: from_ms, end_ms: to_ms, marked: false }), at_ms);
}

/** Until somebody marks a span, it lies around what is looked at. @param {MarkState} state @param {number} at_ms @returns {MarkState} */
export function look(state, at_ms) {
  const { from_ms, to_ms } = state;
  const at = within(at_ms, from_ms, to_ms);
  if (state.marked) return Object.freeze({ ...state, at_ms: at });
  const start = within(at - AROUND_MS, from_ms, Math.max(from_ms, to_ms - 2 * AROUND_MS));
  return Object.freeze({ ...state, at_ms: at, start_ms: start, end_ms: Math.min(to_ms, start + 2 * AROUND_MS) });
}

/** @param {MarkState} state @param {number} start_ms @returns {MarkState} */
export function markStart(state, start_ms) {
  const start = within(start_ms, state.from_ms, state.to_ms - SHORTEST_MS);
  return Object.freeze({ ...state, marked: true, start_ms: start, end_ms: Math.max(state.end_ms, start + SHORTEST_MS) });
}

/** @param {MarkState} state @param {number} end_ms @returns {MarkState} */
export function markEnd(state, end_ms) {
  const end = within(end_ms, state.from_ms + SHORTEST_MS, state.to_ms);
  return Object.freeze({ ...state, marked: true, end_ms: end, start_ms: Math.min(state.start_ms, end - SHORTEST_MS) });
}

/**
 * What a key of a slider asks for, in the manner of the ARIA slider pattern; null: not one of its keys.
 * @param {string} key @param {number} value_ms @param {{from_ms: number, to_ms: number, frame_ms: number}} line
 */
export function stepped(key, value_ms, { from_ms, to_ms, frame_ms }) {
  switch (key) {
    case "ArrowLeft": case "ArrowDown": return value_ms - frame_ms;
    case "ArrowRight": case "ArrowUp": return value_ms + frame_ms;
    case "PageDown": return value_ms - 1000;
    case "PageUp": return value_ms + 1000;
    case "Home": return from_ms;
    case "End": return to_ms;
    default: return null;
  }
}
