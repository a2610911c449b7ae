/**
 * Record, with the seconds before and after; Stop while an open-ended recording runs; Snapshot.
 * Events: `record`, `stop-recording` {id}, `snapshot`, `choose-lengths` {before, after}.
 */

import { h, icon, setAttribute, setText } from "../dom.js";
import { formatDuration, formatTimer } from "../format.js";
import { text } from "../messages.js";
import { isOpenEnded } from "../store.js";
import { HsElement } from "./element.js";
import { elapsedSeconds } from "./recordings.js";

/** @import { PanelView } from "../types.js" */

const BEFORE = [0, 5, 10, 15, 30, 45, 60, 120, 300];
const AFTER = [0, 5, 10, 15, 30, 60, 120, 300];
const UNTIL_STOPPED = "open";

export class RecordPanel extends HsElement {
  /** @type {string|null} the open-ended recording that the big button stops */
  #open = null;

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
    const { lengths } = view;
    const before = lengths.before ? formatDuration(lengths.before) : text.record.nothing;
    this.button.toggleAttribute("data-open", open !== null);
    setAttribute(this.button, "aria-busy", view.asking);
    if (open) {
      setText(this.word, text.record.stop);
      setText(this.sub, formatTimer(elapsedSeconds(open, view.now_ms)));
    } else {
      setText(this.word, view.asking ? text.record.asking : text.record.record);
      setText(
        this.sub,
        lengths.after === null
          ? text.record.untilStop(before)
          : text.record.aroundNow(before, lengths.after ? formatDuration(lengths.after) : text.record.nothing),
      );
    }
    const blocked = open ? view.stopping.includes(open.id) : view.asking || !view.ready;
    this.button.disabled = blocked;
    setAttribute(this.button, "title", view.ready ? null : text.record.notYet);
    this.another.hidden = open === null;
    this.another.disabled = view.asking || !view.ready;
    this.snapshot.disabled = view.snapping || !view.ready;
    this.#showLengths(view);
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
