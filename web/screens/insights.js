/** The state of the box over time: warnings, buffers, uptime, clips a day, storage and when it is full. */

import { text } from "../all_messages.js";
import { formatShare, shareChart, sharePart, timeChart } from "../charts.js";
import { HsElement } from "../components/element.js";
import { Failure } from "../components/failure.js";
import { h, icon, setAttribute, skeleton, stylesheet } from "../dom.js";
import { cameraName, formatBytes, formatNumber, shareOf } from "../format.js";
import { isStale } from "../freshness.js";
import { clipsByDay, daysLeft, warningsOf } from "../insights.js";
import { Latest } from "../latest.js";
import { updateQuery } from "../router.js";

/** @import { Analytics, Budget, Services, State, System } from "../types.js" */

const HOURS = Object.freeze({ day: 24, week: 7 * 24, month: 30 * 24 });
const REFRESH_MS = 60_000;
const DAY_MS = 86_400_000;

export class InsightsScreen extends HsElement {
  #services;
  /** @type {keyof typeof HOURS|null} */
  #range = null;
  #names = "";
  #latest = new Latest();

  range = h(
    "select",
    { id: "range", "aria-label": text.insights.range, on: { change: () => updateQuery({ range: this.range.value }) } },
    ...Object.keys(HOURS).map((name) =>
      h("option", { value: name }, text.insights.ranges[/** @type {"day"} */ (name)]),
    ),
  );
  failure = new Failure(() => this.#retry());
  skeleton = skeleton();
  figures = h("div", { class: "figures" });

  /** @param {Services} services */
  constructor(services) {
    super();
    this.#services = services;
    stylesheet("insights");
  }

  build() {
    this.append(
      h("div", { class: "screen-head" }, h("h1", { class: "screen-title" }, text.screens.insights), this.range),
      this.failure,
      this.skeleton,
      this.figures,
    );
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    this.#range = null;
    const timer = setInterval(() => {
      if (!document.hidden) this.#load();
    }, REFRESH_MS);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      this.#latest.end();
    });
  }

  /** @param {State} state */
  show(state) {
    // Whether all is well now, a silent box does not say; the rest is of the past.
    this.figures.querySelector(".figure-wide")?.toggleAttribute("hidden", isStale(state));
    const requested = state.query.get("range") ?? "";
    const range = /** @type {keyof typeof HOURS} */ (Object.hasOwn(HOURS, requested) ? requested : "day");
    const names = state.cameras.items.map(({ name }) => name).join("\n");
    if (range === this.#range && names === this.#names) return;
    // The charts of another range, or of an earlier visit, are not true under this one.
    if (range !== this.#range) this.figures.replaceChildren();
    this.skeleton.hidden = this.figures.hasChildNodes();
    [this.#range, this.#names] = [range, names];
    this.range.value = range;
    this.#load();
  }

  #retry() {
    this.failure.show(null);
    this.skeleton.hidden = this.figures.hasChildNodes();
    this.#load();
  }

  async #load() {
    const range = /** @type {keyof typeof HOURS} */ (this.#range);
    const { api, clock, store } = this.#services;
    const to_ms = clock.now_ms();
    const from_ms = to_ms - HOURS[range] * 3_600_000;
    const signal = this.#latest.ask();
    setAttribute(this.figures, "aria-busy", "true");
    try {
      const [analytics, history, system, budget] = await Promise.all([
        api.analytics(from_ms, to_ms),
        api.analytics(to_ms - 30 * DAY_MS, to_ms),
        api.system(),
        api.budget(),
      ]);
      if (signal.aborted) return;
      this.failure.show(null);
      const names = (/** @type {string} */ id) => cameraName(id, store.state.cameras.items);
      this.#paint({ analytics, history, system, budget, from_ms, to_ms, names });
    } catch (error) {
      if (signal.aborted) return;
      this.failure.show(error);
      this.skeleton.hidden = true;
    }
    setAttribute(this.figures, "aria-busy", null);
  }

  /**
   * @param {{analytics: Analytics, history: Analytics, system: System, budget: Budget, from_ms: number, to_ms: number,
   *   names: (id: string) => string}} seen
   */
  #paint({ analytics, history, system, budget, from_ms, to_ms, names }) {
    const open = [...this.figures.querySelectorAll("details")].map((details) => details.open);
    this.skeleton.hidden = true;
    this.figures.replaceChildren(
      this.#warnings(system),
      timeChart(
        text.insights.fill,
        analytics.cameras.map(({ camera, samples }) => ({
          name: names(camera),
          points: samples.map(({ at, fill }) => /** @type {const} */ ([Date.parse(at), fill])),
        })),
        { from_ms, to_ms, top: 1, unit: formatShare },
      ),
      shareChart(
        text.insights.uptime,
        analytics.cameras.map(({ camera, samples }) => ({ name: names(camera), parts: shares(samples) })),
      ),
      this.#perDay(history, to_ms),
      this.#storage(history, system, budget, names),
    );
    [...this.figures.querySelectorAll("details")].forEach((details, index) => {
      details.open = open[index] ?? false;
    });
  }

  /** @param {Analytics} history @param {number} to_ms */
  #perDay(history, to_ms) {
    const days = clipsByDay(history.clips, to_ms, 30);
    const top = 2 * Math.ceil(Math.max(4, ...days.map(({ clips }) => clips)) / 2); // half of it is a number of clips
    const points = days.map(({ start_ms, clips }) => /** @type {const} */ ([start_ms, clips]));
    return timeChart(text.insights.perDay, [{ name: text.clips.title, points }], {
      from_ms: days[0].start_ms,
      to_ms: days[0].start_ms + days.length * DAY_MS,
      top,
      unit: formatNumber,
      bars: true,
    });
  }

  /** @param {Analytics} history @param {System} system @param {Budget} budget @param {(id: string) => string} names */
  #storage(history, system, budget, names) {
    const { total_bytes, free_bytes, reserve_bytes, available_bytes, refusal } = budget.disk;
    const rows = system.cameras.map(({ camera, size_bytes }) => ({ name: names(camera), size_bytes }));
    const days = daysLeft(history.clips, available_bytes);
    return h(
      "figure",
      { class: "figure" },
      h("figcaption", {}, text.insights.storage),
      h("p", {}, text.insights.free(formatBytes(available_bytes), formatBytes(total_bytes))),
      h(
        "p",
        { class: "forecast" },
        refusal
          ? text.record.diskFull(formatBytes(free_bytes), formatBytes(reserve_bytes))
          : days === null
            ? text.insights.noForecast
            : text.insights.forecast(days),
      ),
      ...rows.map(({ name, size_bytes }) => {
        const bar = size_bytes ? sharePart("live", shareOf(size_bytes, total_bytes)) : null;
        return h(
          "div",
          { class: "share-row" },
          h("span", { class: "share-name" }, name),
          h("span", { class: "share-bar", "aria-hidden": "true" }, bar),
          h("span", { class: "share-value" }, formatBytes(size_bytes)),
        );
      }),
    );
  }

  /** @param {System} system */
  #warnings(system) {
    const found = warningsOf(system, this.#services.shown()[0].cameras.items, text.insights.concerns);
    return h(
      "figure",
      { class: "figure figure-wide" },
      h("figcaption", {}, text.insights.warnings),
      found.length
        ? h("ul", { class: "warnings" }, ...found.map((words) => h("li", {}, icon("alert"), words)))
        : h("p", {}, text.insights.noWarnings),
    );
  }
}

/** @param {Analytics["cameras"][0]["samples"]} samples */
function shares(samples) {
  const kinds = /** @type {const} */ (["live", "connecting", "stalled", "reconnecting", "stopped"]);
  const sums = kinds.map((kind) => samples.reduce((sum, sample) => sum + sample[`${kind}_seconds`], 0));
  const all = sums.reduce((sum, value) => sum + value, 0) || 1;
  return kinds.map((kind, index) => ({ kind, label: text.camera[kind], share: sums[index] / all }));
}

customElements.define("hs-insights-screen", InsightsScreen);
