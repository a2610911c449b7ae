/** Which clips the gallery shows: the filter in the address, and a list that events keep up to date. Pure. */

import { mergeClips } from "../store.js";
/** @import { Clip, ClipFilter } from "../types.js" */

/** The API's filter for each `show=` in the address. */
export const SHOWN = Object.freeze({
  drafts: Object.freeze({ status: "pending,processing,draft,failed" }),
  published: Object.freeze({ status: "published" }),
  failed: Object.freeze({ status: "failed" }),
  snapshots: Object.freeze({ media_type: "image" }),
  kept: Object.freeze({ keep: "true" }),
});

/** @param {URLSearchParams} query @returns {ClipFilter} as the API takes it */
export function filterOf(query) {
  const shown = /** @type {Record<string, ClipFilter>} */ (SHOWN)[query.get("show") ?? ""] ?? {};
  const filter = /** @type {ClipFilter} */ ({ ...shown });
  for (const name of /** @type {const} */ (["camera", "q"])) {
    const value = query.get(name);
    if (value) filter[name] = value;
  }
  const day = query.get("day");
  if (day) {
    const from = new Date(`${day}T00:00:00`);
    if (!Number.isNaN(from.getTime())) {
      filter.from = from.toISOString();
      // The viewer's own day, which is 23 or 25 hours long twice a year.
      filter.to = new Date(from.getFullYear(), from.getMonth(), from.getDate() + 1).toISOString();
    }
  }
  return filter;
}

/**
 * Whether a clip belongs in the list. Only the server can search its words.
 * @param {Clip} clip @param {ClipFilter} filter @returns {boolean|null} null: only the server knows
 */
export function matches(clip, filter) {
  if (filter.status && !filter.status.split(",").includes(clip.status)) return false;
  if (filter.media_type && filter.media_type !== clip.media_type) return false;
  if (filter.keep && !clip.keep) return false;
  if (filter.camera && filter.camera !== clip.camera) return false;
  const start = Date.parse(clip.start_time);
  if (filter.from && start < Date.parse(filter.from)) return false;
  if (filter.to && start >= Date.parse(filter.to)) return false;
  return filter.q ? null : true;
}

/**
 * The list after a clip changed. A clip older than all that are loaded comes with its own page.
 * @param {readonly Clip[]} items @param {Clip} clip @param {ClipFilter} filter @param {boolean} complete no page is
 *   missing
 * @returns {readonly Clip[]}
 */
export function withChange(items, clip, filter, complete) {
  const known = items.some(({ id }) => id === clip.id);
  const fits = matches(clip, filter);
  if (fits === false) return known ? items.filter(({ id }) => id !== clip.id) : items;
  if (!known && fits === null) return items;
  const last = items.at(-1);
  if (!known && !complete && last && clip.number < last.number) return items;
  return mergeClips(items, [clip]);
}
