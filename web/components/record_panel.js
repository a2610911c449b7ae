/**
 * Record, with the seconds before and after; Stop while an open-ended recording runs; Snapshot. The big button says
 * that something is recorded only when the server has said so; until then it says that it asks.
 * Events: `record`, `stop-recording` {id}, `snapshot`, `choose-lengths` {before, after}.
 */

import { h, icon, setAttribute, setText } from "../dom.js";
import { formatDuration, formatTimer } from "../format.js";
import { text } from "../messages.js";
import { elapsedSeconds, isOpenEnded } from "../store.js";
import { HsElement } from "./element.js";

/** @import { Clip, PanelView } from "../types.js" */

const BEFORE = [0, 5, 10, 15, 30, 45, 60, 120, 300];
const AFTER = [0, 5, 10, 15, 30, 60, 120, 300];
const UNTIL_STOPPED = "open";
const SLOW_MS = 2000;

/**
 * What the big button is. Pure.
 * @param {Pick<PanelView, "asking"|"cannot"> & {open: boolean, asked_ms: number}} view `open`: an open-ended recording
 *   runs; `asked_ms`: how long ago the press was
 * @returns {{state: "ready"|"asking"|"recording"|"cannot", note: "slow"|"again"|null}}
 */
export function recordState({ open, asking, asked_ms, cannot }) {
  const note = asking > 1 ? "again" : asking && asked_ms > SLOW_MS ? "slow" : null;
  return { state: open ? "recording" : asking ? "asking" : cannot ? "cannot" : "ready", note };
}

export class RecordPanel extends HsElement {
  /** @type {string|null} the open-ended recording that the big button stops */
  #open = null;
  #asked_ms = 0;

  word = h("span", { class: "record-word" });
  sub = h("span", { class: "record-sub" });
  button = h(
    "button",
    { type: "button", class: "record-button", on: { click: () => this.press() } },
    h("span", { class: "record-mark", "aria-hidden": "true" }),
    h("span", { class: "record-text" }, this.word, this.sub),
  );
  another = h(
    "button",
    { type: "button", class: "button quiet", on: { click: () => this.emit("record") } },
    text.record.another,
  );
  beforeField = h("select", { id: "before", on: { change: () => this.#choose() } });
  afterField = h("select", { id: "after", on: { change: () => this.#choose() } });
  lengths = h(
    "div",
    { class: "lengths" },
    h("label", { for: "before" }, text.record.before),
    this.beforeField,
    h("label", { for: "after" }, text.record.after),
    this.afterField,
  );
  snapshot = h(
    "button",
    { type: "button", class: "button wide", on: { click: () => this.emit("snapshot") } },
    icon("still"),
    text.record.snapshot,
  );

  build() {
    for (const seconds of AFTER) this.afterField.append(option(seconds));
    this.afterField.append(h("option", { value: UNTIL_STOPPED }, text.record.untilIStop));
    this.append(this.button, this.another, this.lengths, this.snapshot);
  }

  /** Presses the big button: records, or stops the open-ended recording. */
  press() {
    if (this.button.disabled) return;
    if (this.#open) this.emit("stop-recording", { id: this.#open });
    else this.emit("record");
  }

  /** @param {PanelView} view */
  show(view) {
    const open = view.running.findLast(isOpenEnded) ?? null;
    this.#open = open?.id ?? null;
    if (!view.asking) this.#asked_ms = performance.now();
    const asked_ms = performance.now() - this.#asked_ms;
    const { state, note } = recordState({ ...view, open: open !== null, asked_ms });
    setAttribute(this.button, "data-state", state);
    setAttribute(this.button, "aria-busy", state === "asking");
    setText(this.word, state === "recording" ? text.record.stop : text.record[state === "asking" ? state : "record"]);
    setText(this.sub, (!open && note && text.record[note]) || view.cannot || this.#plan(view, open));
    this.button.disabled = view.cannot !== null || (open ? view.stopping.includes(open.id) : view.asking > 0);
    this.another.hidden = open === null;
    setText(this.another, view.asking ? text.record[note ?? "asking"] : text.record.another);
    this.another.disabled = view.asking > 0 || view.cannot !== null;
    this.snapshot.disabled = view.snapping || view.cannot !== null;
    this.#showLengths(view);
  }

  /** @param {PanelView} view @param {Clip|null} open */
  #plan({ lengths, stopping, now_ms }, open) {
    if (open && stopping.includes(open.id)) return text.record.asking;
    if (open) return formatTimer(elapsedSeconds(open, now_ms));
    const before = lengths.before ? formatDuration(lengths.before) : text.record.nothing;
    if (lengths.after === null) return text.record.untilStop(before);
    return text.record.aroundNow(before, lengths.after ? formatDuration(lengths.after) : text.record.nothing);
  }

  /** @param {PanelView} view */
  #showLengths({ lengths, capacity }) {
    const choices = [...new Set([...BEFORE.filter((s) => s <= capacity), lengths.before])].sort((a, b) => a - b);
    const offered = [...this.beforeField.options].map(({ value }) => value);
    if (String(offered) !== String(choices)) this.beforeField.replaceChildren(...choices.map(option));
    const after = lengths.after === null ? UNTIL_STOPPED : String(lengths.after);
    if (![...this.afterField.options].some(({ value }) => value === after))
      this.afterField.prepend(option(Number(after)));
    if (this.beforeField.value !== String(lengths.before)) this.beforeField.value = String(lengths.before);
    if (this.afterField.value !== after) this.afterField.value = after;
  }

  #choose() {
    const after = this.afterField.value === UNTIL_STOPPED ? null : Number(this.afterField.value);
    this.emit("choose-lengths", { before: Number(this.beforeField.value), after });
  }
}

/** @param {number} seconds */
function option(seconds) {
  return h("option", { value: seconds }, seconds ? formatDuration(seconds) : text.record.nothing);
}

customElements.define("hs-record-panel", RecordPanel);
