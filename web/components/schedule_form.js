/** The form for a new schedule: what to record, when and how long. Event: `add-schedule` with the request. */

import { locale, text } from "../all_messages.js";
import { DAYS, toCron } from "../cron.js";
import { h, setText } from "../dom.js";
import { HsElement } from "./element.js";

/** @import { Camera } from "../types.js" */

const MONDAY_MS = Date.UTC(2024, 0, 1);

export class ScheduleForm extends HsElement {
  name = h("input", { name: "name", maxlength: 100, required: true, autocomplete: "off" });
  kind = h(
    "select",
    { name: "kind", on: { change: () => this.#sort() } },
    option("recording", text.schedules.recording),
    option("timelapse", text.schedules.timelapse),
  );
  camera = h("select", { name: "camera" });
  rhythm = h(
    "select",
    { name: "rhythm", on: { change: () => this.#sort() } },
    option("days", text.schedules.onDays),
    option("every", text.schedules.every),
  );
  time = h("input", { type: "time", name: "time", value: "07:30", required: true });
  days = DAYS.map((day, index) =>
    h("input", { type: "checkbox", name: "days", value: day, "aria-label": dayName(index, "long") }),
  );
  every = h("input", { type: "number", name: "every", min: 1, max: 10080, value: 60 });
  everyUnit = h("span");
  length = h("input", { type: "number", name: "length", min: 1, max: 21600, value: 60 });
  join = h("select", { name: "join" }, option("hour", text.schedules.perHour), option("day", text.schedules.perDay));
  timeRow = h(
    "div",
    { class: "form-row" },
    label(text.schedules.time, this.time),
    h(
      "span",
      { class: "day-boxes", role: "group", "aria-label": text.schedules.days },
      ...this.days.map((box, index) => h("label", {}, box, dayName(index, "short"))),
    ),
  );
  everyRow = h("div", { class: "form-row" }, label(text.schedules.everyLabel, this.every), this.everyUnit);
  lengthRow = h(
    "div",
    { class: "form-row" },
    label(text.schedules.length, this.length),
    h("span", {}, text.schedules.seconds),
  );
  joinRow = h("div", { class: "form-row" }, label(text.schedules.join, this.join));
  rhythmRow = h("div", { class: "form-row" }, label(text.schedules.rhythm, this.rhythm));
  add = h("button", { class: "button primary" }, text.schedules.add);
  form = h(
    "form",
    {
      class: "schedule-form",
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#submit();
        },
      },
    },
    h("h2", {}, text.schedules.new),
    h("div", { class: "form-row" }, label(text.schedules.name, this.name)),
    h("div", { class: "form-row" }, label(text.schedules.kind, this.kind)),
    h("div", { class: "form-row" }, label(text.clip.camera, this.camera)),
    this.rhythmRow,
    this.timeRow,
    this.everyRow,
    this.lengthRow,
    this.joinRow,
    this.add,
  );

  build() {
    this.append(this.form);
    this.#sort();
  }

  /** @param {readonly Camera[]} cameras @param {boolean} busy */
  show(cameras, busy) {
    this.add.disabled = busy;
    if (this.camera.options.length !== cameras.length)
      this.camera.replaceChildren(...cameras.map(({ id, name }) => option(id, name || id)));
  }

  /** Resets the form after its schedule was added. */
  clear() {
    this.form.reset();
    this.#sort();
  }

  #sort() {
    const timelapse = this.kind.value === "timelapse";
    const onDays = !timelapse && this.rhythm.value === "days";
    this.rhythmRow.hidden = this.lengthRow.hidden = timelapse;
    this.joinRow.hidden = !timelapse;
    this.timeRow.hidden = !onDays;
    this.everyRow.hidden = onDays;
    this.time.disabled = !onDays;
    setText(this.everyUnit, timelapse ? text.schedules.seconds : text.schedules.minutes);
  }

  #submit() {
    const timelapse = this.kind.value === "timelapse";
    const every = Number(this.every.value);
    const days = this.days.filter(({ checked }) => checked).map(({ value }) => value);
    const rhythm = timelapse
      ? { every_seconds: every, join: this.join.value }
      : this.rhythm.value === "days"
        ? { cron: toCron(this.time.value, days), length_seconds: Number(this.length.value) }
        : { every_seconds: every * 60, length_seconds: Number(this.length.value) };
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.emit("add-schedule", {
      name: this.name.value.trim(),
      kind: this.kind.value,
      camera: this.camera.value || null,
      timezone,
      ...rhythm,
    });
  }
}

/** @param {string} value @param {string} words */
function option(value, words) {
  return h("option", { value }, words);
}

/** @param {string} words @param {HTMLElement} field */
function label(words, field) {
  return h("label", { class: "form-label" }, h("span", {}, words), field);
}

/** @param {number} index @param {"long"|"short"} weekday */
function dayName(index, weekday) {
  return new Date(MONDAY_MS + index * 86_400_000).toLocaleDateString(locale, {
    weekday,
    timeZone: "UTC",
  });
}

customElements.define("hs-schedule-form", ScheduleForm);
