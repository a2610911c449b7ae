/** Which part of a long list is in the document. Pure. */

/**
 * @typedef {object} Window items `first` to `last` (exclusive) are shown, with room for those before and after
 * @property {number} first
 * @property {number} last
 * @property {number} before_px
 * @property {number} after_px
 */

/**
 * @param {{above_px: number, height_px: number, row_px: number, columns: number, count: number}} viewport `above_px`:
 *   how much of the list lies above the screen (negative: it begins below the top edge)
 * @returns {Window}
 */
export function windowOf({ above_px, height_px, row_px, columns, count }) {
  const rows = Math.ceil(count / columns);
  const begin = Math.floor((above_px - height_px) / row_px);
  const end = Math.ceil((above_px + 2 * height_px) / row_px);
  const [top, bottom] = [Math.max(0, Math.min(begin, rows - 1)), Math.max(Math.min(1, rows), Math.min(end, rows))];
  return {
    first: Math.min(count, top * columns),
    last: Math.min(count, bottom * columns),
    before_px: top * row_px,
    after_px: (rows - bottom) * row_px,
  };
}
