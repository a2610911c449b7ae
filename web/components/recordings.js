/** All running recordings, each with its length and a Stop button. Events: `stop-recording` {id}. */

import { h, icon, setAttribute, setText } from "../dom.js";
import { formatDuration, formatTime, formatTimer, shareOf } from "../format.js";
import { text } from "../messages.js";
import { elapsedSeconds, plannedSeconds } from "../store.js";
import { HsElement } from "./element.js";
/** @import { Clip } from "../types.js" */

export class Recordings extends HsElement {
  /**
   * @type {Map<string, {item: HTMLElement, timer: HTMLElement, bar: HTMLProgressElement, note: HTMLElement,
   *   stop: HTMLButtonElement}>}
   */
  #rows = new Map();

  heading = h("h2", { class: "panel-heading", id: "running-heading" }, text.record.running);
  list = h("ul", { class: "recordings", "aria-labelledby": "running-heading" });

  build() {
    this.append(this.heading, this.list);
  }

  /**
   * @param {readonly Clip[]} clips
   * @param {readonly string[]} pending ids of clips that are already being stopped
   * @param {number} now_ms of a silent box: when it was heard last
   */
  show(clips, pending, now_ms) {
    this.hidden = clips.length === 0;
    for (const [id, { item }] of this.#rows) {
      if (clips.some((clip) => clip.id === id)) continue;
      item.remove();
      this.#rows.delete(id);
    }
    for (const clip of clips) {
      const row = this.#rows.get(clip.id) ?? this.#add(clip);
      const [elapsed, planned] = [elapsedSeconds(clip, now_ms), plannedSeconds(clip)];
      setText(
        row.timer,
        planned === null ? formatTimer(elapsed) : text.record.of(formatTimer(elapsed), formatDuration(planned)),
      );
      row.bar.hidden = planned === null || Boolean(clip.stale);
      row.note.hidden = planned !== null && !clip.stale;
      setText(row.note, clip.stale ? text.record.asHeard : text.record.open);
      row.item.toggleAttribute("stale", clip.stale);
      row.bar.value = shareOf(elapsed, planned ?? 0);
      setAttribute(row.stop, "disabled", clip.stale || pending.includes(clip.id));
    }
  }

  /** @param {Clip} clip */
  #add(clip) {
    const started = formatTime(new Date(clip.created_at));
    const timer = h("span", { class: "recording-time", role: "timer", "aria-live": "off" });
    const bar = h("progress", { class: "bar", max: 1, value: 0, "aria-hidden": "true" });
    const stop = h(
      "button",
      {
        type: "button",
        class: "button small",
        "aria-label": text.record.stopOne(started),
        on: { click: () => this.emit("stop-recording", { id: clip.id }) },
      },
      icon("stop"),
      text.record.stop,
    );
    const note = h("span", { class: "recording-note" });
    const item = h(
      "li",
      { class: "recording" },
      h("span", { class: "rec-dot", "aria-hidden": "true" }),
      timer,
      bar,
      note,
      stop,
    );
    const row = { item, timer, bar, note, stop };
    this.#rows.set(clip.id, row);
    this.list.append(item);
    return row;
  }
}

customElements.define("hs-recordings", Recordings);
