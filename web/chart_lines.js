/**
 * Lines of a chart so that none hides another: where several run on top of each other, they take turns. Pure.
 */

import { firstAfter } from "./timestamps.js";

/** @typedef {ReadonlyArray<readonly [number, number|null]>} Line places in pixels, ascending; null: a gap */

/** How long a turn is, and how close two lines hide each other. */
const [TURN, NEAR] = [10, 2];

/** @param {readonly Line[]} lines @returns {string[]} the path of each, for `d` */
export function pathsOf(lines) {
  const paths = lines.map(() => "");
  /** @type {Array<string|undefined>} where each path ends */
  const ends = [];
  const places = [...new Set([...lines.flatMap((line) => line.map(([x]) => x)), ...turns(lines)])].sort(
    (a, b) => a - b,
  );
  for (let i = 1; i < places.length; i += 1) {
    const [left, right] = [places[i - 1], places[i]];
    const turn = Math.floor((left + right) / 2 / TURN);
    const pieces = lines.flatMap((line, index) => {
      const heights = heightsOf(line, left, right);
      return heights ? [{ index, ...heights, middle: (heights.from + heights.to) / 2 }] : [];
    });
    for (const together of bundles(pieces)) {
      const { index, from, to } = together[turn % together.length];
      const begin = `${round(left)} ${round(from)}`;
      const end = `${round(right)} ${round(to)}`;
      paths[index] += `${ends[index] === begin ? "" : `M${begin}`}L${end}`;
      ends[index] = end;
    }
  }
  return paths.map((path, index) => path + dots(lines, index));
}

/** The places where turns change. @param {readonly Line[]} lines */
function turns(lines) {
  const all = lines.flatMap((line) => line.map(([x]) => x));
  if (lines.length < 2 || all.length === 0) return [];
  const [first, last] = all.reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [all[0], all[0]]);
  const begin = Math.floor(first / TURN) + 1;
  return Array.from({ length: Math.max(0, Math.ceil(last / TURN) - begin) }, (_, n) => (begin + n) * TURN);
}

/**
 * How high a line is at both ends of a stretch that lies between two of its places; null: it has none there.
 * @param {Line} line @param {number} left @param {number} right
 */
function heightsOf(line, left, right) {
  const after = firstAfter(line.length, (i) => line[i][0], (left + right) / 2);
  const [before, next] = [line[after - 1], line[after]];
  if (!before || !next) return null;
  const [[x0, y0], [x1, y1]] = [before, next];
  if (y0 === null || y1 === null) return null;
  const [from, to] = [left, right].map((x) => y0 + ((x - x0) / (x1 - x0)) * (y1 - y0));
  return { from, to };
}

/**
 * Those that would hide each other, by the order of their lines.
 * @template {{index: number, middle: number}} T @param {T[]} pieces @returns {T[][]}
 */
function bundles(pieces) {
  /** @type {T[][]} */
  const found = [];
  let before = -Infinity;
  for (const piece of pieces.sort((a, b) => a.middle - b.middle)) {
    if (piece.middle - before < NEAR) found.at(-1)?.push(piece);
    else found.push([piece]);
    before = piece.middle;
  }
  for (const together of found) together.sort((a, b) => a.index - b.index);
  return found;
}

/**
 * A value between two gaps is a dot, beside those of other lines.
 * @param {readonly Line[]} lines @param {number} own
 */
function dots(lines, own) {
  const line = lines[own];
  const alone = line.filter(
    ([, y], i) => y !== null && (line[i - 1]?.[1] ?? null) === null && (line[i + 1]?.[1] ?? null) === null,
  );
  return alone.map(([x, y]) => `M${round(x - own * 4 * NEAR - NEAR)} ${round(y ?? 0)}h${2 * NEAR}`).join("");
}

/** @param {number} pixels */
function round(pixels) {
  return Math.round(pixels * 10) / 10;
}
