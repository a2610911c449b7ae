/** Small SVG charts, readable in dark and light, each with its numbers in a table. */

import { locale, text } from "./all_messages.js";
import { pathsOf } from "./chart_lines.js";
import { h } from "./dom.js";
import { formatNumber, formatTime, shareOf } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [720, 220, 64, 24];

/** @typedef {{name: string, points: ReadonlyArray<readonly [number, number|null]>}} Series ms since the epoch, value */

/** @param {string} tag @param {Record<string, string|number>} attributes @param {...(Node|string)} children */
function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Values over time. A missing value is a gap in the line.
 * @param {string} title
 * @param {readonly Series[]} series
 * @param {{from_ms: number, to_ms: number, top: number, unit: (value: number) => string, bars?: boolean}} options
 */
export function timeChart(title, series, { from_ms, to_ms, top, unit, bars = false }) {
  const x = (/** @type {number} */ ms) => LEFT + shareOf(ms - from_ms, to_ms - from_ms) * (WIDTH - LEFT);
  const y = (/** @type {number} */ value) => (HEIGHT - BOTTOM) * (1 - shareOf(value, top)) + 6;
  const names = series.length > 1 ? `: ${series.map(({ name }) => name).join(", ")}` : "";
  const drawing = s("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT + 8}`,
    class: "chart",
    role: "img",
    "aria-label": `${title}${names}`,
  });
  for (const share of [0, 0.5, 1]) {
    drawing.append(
      s("line", { x1: LEFT, x2: WIDTH, y1: y(top * share), y2: y(top * share), class: "chart-grid" }),
      s("text", { x: LEFT - 6, y: y(top * share) + 4, class: "chart-label", "text-anchor": "end" }, unit(top * share)),
    );
  }
  for (let i = 0; i <= 4; i += 1) {
    const ms = from_ms + (i / 4) * (to_ms - from_ms);
    drawing.append(
      s(
        "text",
        {
          x: x(ms),
          y: HEIGHT + 4,
          class: "chart-label",
          "text-anchor": i === 0 ? "start" : i === 4 ? "end" : "middle",
        },
        when(ms, to_ms - from_ms),
      ),
    );
  }
  if (bars) drawing.append(...series.flatMap((_, index) => barsOf(series, index, x, y)));
  else {
    const lines = series.map(({ points }) =>
      points.map(([ms, value]) => /** @type {const} */ ([x(ms), value === null ? null : y(value)])),
    );
    const paths = pathsOf(lines);
    drawing.append(...paths.map((d, index) => s("path", { d, class: `chart-line chart-${index % 8}` })));
  }
  return h(
    "figure",
    { class: "figure" },
    h("figcaption", {}, title),
    legend(series),
    drawing,
    table(title, series, unit),
  );
}

/**
 * The bars of one series, each beside those of the others.
 * @param {readonly Series[]} series @param {number} index
 * @param {(ms: number) => number} x @param {(value: number) => number} y
 */
function barsOf(series, index, x, y) {
  const { points } = series[index];
  const slot = (WIDTH - LEFT) / Math.max(1, points.length);
  const width = (slot * 0.8) / series.length;
  return points.flatMap(([ms, value]) => {
    if (!value) return [];
    const height = Math.max(1, y(0) - y(value));
    const place = { x: x(ms) + slot * 0.1 + index * width, y: y(0) - height };
    return [s("rect", { ...place, width: Math.max(1, width), height, rx: 2, class: `chart-bar chart-${index % 8}` })];
  });
}

/**
 * Shares of a whole, one bar for each name: what fills it is the first part, and the thin line under the rest says what
 * that is.
 * @param {string} title
 * @param {ReadonlyArray<{name: string, parts: ReadonlyArray<{label: string, kind: string, share: number}>}>} rows
 */
export function shareChart(title, rows) {
  const body = rows.map(({ name, parts }) =>
    h(
      "div",
      { class: "share-row" },
      h("span", { class: "share-name" }, name),
      h(
        "span",
        {
          class: "share-bar",
          role: "img",
          "aria-label": parts.map(({ label, share }) => `${label} ${formatShare(share)}`).join(", "),
        },
        ...parts.filter(({ share }) => share > 0).map(({ kind, share }) => sharePart(kind, share)),
      ),
      h("span", { class: "share-value" }, formatShare(parts[0]?.share ?? 0)),
    ),
  );
  const head = [text.insights.camera, ...(rows[0]?.parts.map(({ label }) => label) ?? [])];
  const cells = rows.map(({ name, parts }) => [name, ...parts.map(({ share }) => formatShare(share))]);
  const kinds = rows[0]?.parts.filter((_, n) => rows.some(({ parts }) => parts[n].share > 0)) ?? [];
  const words = kinds.map(({ kind, label }) => h("span", {}, h("i", { class: `legend-dot share-${kind}` }), label));
  return h(
    "figure",
    { class: "figure" },
    h("figcaption", {}, title),
    h("p", { class: "legend" }, ...words),
    ...body,
    plainTable(title, head, cells),
  );
}

/** A piece of a bar. @param {string} kind @param {number} share 0 to 1 */
export function sharePart(kind, share) {
  const part = h("span", { class: `share-part share-${kind}` });
  part.style.setProperty("inline-size", `${share * 100}%`);
  return part;
}

/** @param {string} title @param {readonly Series[]} series @param {(value: number) => string} unit */
function table(title, series, unit) {
  const times = series[0]?.points ?? [];
  const rows = times.map(([ms], index) => [
    `${new Date(ms).toLocaleDateString(locale)} ${formatTime(new Date(ms))}`,
    ...series.map(({ points }) => {
      const value = points[index]?.[1];
      return value === null || value === undefined ? "–" : unit(value);
    }),
  ]);
  return plainTable(title, [text.insights.time, ...series.map(({ name }) => name)], rows);
}

/**
 * Filled when it is opened: most tables never are.
 * @param {string} title
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
function plainTable(title, head, rows) {
  const fill = () => {
    if (details.querySelector("table")) return;
    const body = h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell)))));
    details.append(
      h(
        "div",
        { class: "table-room", tabindex: 0, role: "region", "aria-label": title },
        h("table", {}, h("thead", {}, h("tr", {}, ...head.map((cell) => h("th", { scope: "col" }, cell)))), body),
      ),
    );
  };
  const details = h("details", { class: "figure-table", on: { toggle: fill } }, h("summary", {}, text.insights.table));
  return details;
}

/** @param {readonly Series[]} series */
function legend(series) {
  if (series.length < 2) return null;
  return h(
    "p",
    { class: "legend" },
    ...series.map(({ name }, index) => h("span", {}, h("i", { class: `legend-dot chart-${index % 8}` }), name)),
  );
}

/** 43.5 %; what is not nothing or all is never said to be. @param {number} share */
export function formatShare(share) {
  const percent = share > 0 && share < 1 ? Math.max(0.1, Math.min(99.9, share * 100)) : share * 100;
  return `${formatNumber(percent, Number.isInteger(Math.round(percent * 10) / 10) ? 0 : 1)} %`;
}

/** @param {number} ms @param {number} length_ms */
function when(ms, length_ms) {
  const options = /** @type {Intl.DateTimeFormatOptions} */ (
    length_ms > 3 * 86_400_000 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" }
  );
  return new Date(ms).toLocaleString(locale, options);
}
