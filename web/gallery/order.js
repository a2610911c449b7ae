/**
 * Lists go by the order in which clips were made or published, which no clock gives. Says what a card adds to the time
 * of its pictures where that would contradict its place. Pure.
 */

import { formatMoment, formatTime } from "../format.js";
import { text } from "../messages.js";

/** @import { Clip } from "../types.js" */

/** A press is answered within this time, and the clocks of several boxes differ by less. */
const AT_ONCE_MS = 5000;
const QUARTER_HOUR_MS = 900_000;

/** @type {WeakMap<readonly Clip[], {quarter: number, notes: ReadonlyMap<string, string>}>} */
const known = new WeakMap();

/**
 * Words for the cards of a list, by clip.
 * @param {readonly Clip[]} clips the newest first @param {number} now_ms
 * @returns {ReadonlyMap<string, string>}
 */
export function notesOn(clips, now_ms) {
  // Of the same list every half second; "today" may have become "yesterday".
  const quarter = Math.floor(now_ms / QUARTER_HOUR_MS);
  const before = known.get(clips);
  if (before?.quarter === quarter) return before.notes;
  const notes = new Map([...contradictions(clips)].map(([id, clip]) => [id, words(clip, now_ms)]));
  known.set(clips, { quarter, notes });
  return notes;
}

/**
 * @param {readonly Clip[]} clips
 * @returns {Map<string, Clip|null>} clips that were made later than their pictures; null: then the clock was set back
 */
function contradictions(clips) {
  const found = new Map();
  let [below_ms, before_ms, id_before] = [0, 0, ""];
  for (const clip of clips.slice().reverse()) {
    const [start_ms, made_ms] = [Date.parse(clip.start_time), Date.parse(clip.created_at)];
    if (made_ms < before_ms - AT_ONCE_MS) {
      found.set(id_before, null);
      below_ms = 0;
    }
    const end_ms = Date.parse(clip.end_time ?? clip.planned_end ?? clip.created_at);
    if (start_ms < below_ms || made_ms > end_ms + AT_ONCE_MS) found.set(clip.id, clip);
    else below_ms = start_ms;
    [before_ms, id_before] = [made_ms, clip.id];
  }
  return found;
}

/**
 * The same for the feed, whose cards say both times: behind which of them the clock was set back.
 * @param {readonly Clip[]} clips the newest first
 * @returns {ReadonlyMap<string, string>}
 */
export function publicationNotes(clips) {
  const published_ms = clips.map(({ published_at }) => Date.parse(published_at ?? ""));
  const set = clips.filter((_, n) => published_ms[n] > published_ms[n - 1] + AT_ONCE_MS);
  return new Map(set.map(({ id }) => [id, text.clips.clockSet]));
}

/** @param {Clip|null} clip @param {number} now_ms */
function words(clip, now_ms) {
  return clip ? text.clips.saved(formatBeside(clip.created_at, clip.start_time, now_ms)) : text.clips.clockSet;
}

/**
 * A moment beside another one, which says the day.
 * @param {string} iso @param {string} beside @param {number} now_ms
 */
export function formatBeside(iso, beside, now_ms) {
  const [then, other] = [new Date(iso), new Date(beside)];
  return then.toDateString() === other.toDateString() ? formatTime(then) : formatMoment(iso, now_ms);
}
