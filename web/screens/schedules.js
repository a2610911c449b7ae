/** The schedules: when each is due next, how its last run went, and a form for a new one. */

import { text } from "../all_messages.js";
import { HsElement } from "../components/element.js";
import { Failure } from "../components/failure.js";
import { ScheduleForm } from "../components/schedule_form.js";
import { parseCron } from "../cron.js";
import { h, icon, skeleton, stylesheet } from "../dom.js";
import { cameraName, formatDuration, formatMoment } from "../format.js";
import { Latest } from "../latest.js";
import { routeHref } from "../router.js";

/** @import { Camera, Schedule, Services, State } from "../types.js" */

const REFRESH_MS = 15_000;

export class SchedulesScreen extends HsElement {
  #services;
  /** @type {readonly Schedule[]} */
  #schedules = [];
  #busy = false;
  #latest = new Latest();
  /** @type {readonly Camera[]} whose names the list shows */
  #cameras = [];
  /** What the list was made of. */
  #listed = "";

  failure = new Failure(() => this.#retry());
  list = h("ul", { class: "schedule-list", "aria-label": text.screens.schedules });
  empty = h(
    "div",
    { class: "state", hidden: true },
    icon("film"),
    h("h2", {}, text.schedules.empty),
    h("p", {}, text.schedules.emptyDetail),
  );
  skeleton = skeleton(2);
  form = new ScheduleForm();

  /** @param {Services} services */
  constructor(services) {
    super();
    this.#services = services;
    stylesheet("schedules");
  }

  build() {
    this.append(
      h("h1", { class: "screen-title" }, text.screens.schedules),
      this.failure,
      this.skeleton,
      this.list,
      this.empty,
      this.form,
    );
    this.addEventListener("add-schedule", (event) => {
      event.stopPropagation();
      this.#change(
        () => this.#services.api.addSchedule(/** @type {CustomEvent} */ (event).detail),
        () => this.form.clear(),
      );
    });
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    const timer = setInterval(() => {
      if (!document.hidden && !this.#busy) this.#load();
    }, REFRESH_MS);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.#load();
  }

  /** @param {State} state */
  show(state) {
    this.form.show(state.cameras.items, this.#busy);
    this.#cameras = state.cameras.items;
    if (this.#schedules.length) this.#fill();
  }

  #retry() {
    this.failure.show(null);
    this.skeleton.hidden = false;
    this.#load();
  }

  async #load() {
    const signal = this.#latest.ask();
    try {
      const { schedules } = await this.#services.api.schedules();
      if (signal.aborted) return;
      this.#schedules = schedules;
      this.failure.show(null);
    } catch (error) {
      if (signal.aborted) return;
      // A list that is known says more than that it may be old, which the banner says.
      this.failure.show(this.#schedules.length > 0 ? null : error);
    }
    this.#paint();
  }

  #paint() {
    this.skeleton.hidden = true;
    this.empty.hidden = this.#schedules.length > 0 || !this.failure.hidden;
    this.#fill();
  }

  /** Makes new rows only for what has changed: they take the focus with them. */
  #fill() {
    const now_ms = this.#services.clock.now_ms();
    const names = this.#cameras.map(({ id, name }) => [id, name]);
    const listed = JSON.stringify([this.#schedules, names, new Date(now_ms).toDateString()]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    this.list.replaceChildren(...this.#schedules.map((schedule) => this.#row(schedule, now_ms)));
  }

  /** @param {Schedule} schedule @param {number} now_ms */
  #row(schedule, now_ms) {
    const { id, name, origin, enabled, next, last_run } = schedule;
    const fixed = origin === "config";
    const title = name || text.schedules[/** @type {"recording"} */ (schedule.kind)];
    return h(
      "li",
      { class: "schedule", "data-id": id },
      h(
        "div",
        { class: "schedule-words" },
        h("h2", {}, title),
        h("p", {}, `${cameraName(schedule.camera, this.#cameras)} · ${when(schedule)}`),
        h(
          "p",
          { class: "soft" },
          enabled && next.length ? text.schedules.next(formatMoment(next[0], now_ms)) : text.schedules.off,
        ),
        last_run
          ? h(
              "p",
              { class: `soft run-${last_run.state}` },
              text.schedules.last(
                formatMoment(last_run.due_at, now_ms),
                text.schedules.states[/** @type {"done"} */ (last_run.state)],
              ),
              last_run.reason ? ` ${last_run.reason} ` : " ",
              ...last_run.clips
                .slice(-1)
                .map((clip) => h("a", { href: routeHref({ screen: "schedules", clip }) }, text.schedules.show)),
            )
          : null,
      ),
      fixed
        ? h("span", { class: "badge" }, text.schedules.fixed)
        : h(
            "div",
            { class: "schedule-actions" },
            h(
              "label",
              { class: "switch" },
              h("input", {
                type: "checkbox",
                checked: enabled,
                on: {
                  change: (/** @type {Event} */ event) =>
                    this.#change(() =>
                      this.#services.api.changeSchedule(id, {
                        enabled: /** @type {HTMLInputElement} */ (event.target).checked,
                      }),
                    ),
                },
              }),
              text.schedules.on,
            ),
            h(
              "button",
              {
                type: "button",
                class: "icon-button",
                "aria-label": text.schedules.remove(title),
                title: text.clip.remove,
                on: { click: () => this.#remove(id, title) },
              },
              icon("bin"),
            ),
          ),
    );
  }

  /** @param {string} id @param {string} title */
  async #remove(id, title) {
    const { removeTitle, removeBody } = text.schedules;
    if (
      await this.#services.confirm({
        title: removeTitle(title),
        body: removeBody,
        yes: text.clip.remove,
        no: text.clip.keep,
      })
    ) {
      await this.#change(() => this.#services.api.removeSchedule(id));
    }
  }

  /** @param {() => Promise<unknown>} request @param {() => void} [done] */
  async #change(request, done) {
    this.#busy = true;
    this.#latest.end();
    this.form.show(this.#services.store.state.cameras.items, true);
    try {
      await request();
      done?.();
    } catch (error) {
      this.#services.say(/** @type {Error} */ (error).message, "bad");
      this.#listed = ""; // A switch that was pressed goes back to what is so.
    }
    this.#busy = false;
    this.form.show(this.#services.store.state.cameras.items, false);
    await this.#load();
  }
}

/** @param {Schedule} schedule */
function when({ kind, cron, every_seconds, length_seconds, timezone }) {
  const length = length_seconds ? ` · ${formatDuration(length_seconds)}` : "";
  if (every_seconds) {
    const what = kind === "timelapse" ? ` · ${text.schedules.timelapse}` : length;
    return `${text.schedules.eachTime(formatDuration(every_seconds))}${what}`;
  }
  const plain = parseCron(cron ?? "");
  if (!plain) return `${cron} (${timezone})${length}`;
  const days =
    plain.days.length === 7
      ? text.schedules.daily
      : plain.days.map((day) => text.schedules.dayNames[/** @type {"mon"} */ (day)]).join(", ");
  return `${days} ${plain.time} (${timezone})${length}`;
}

customElements.define("hs-schedules-screen", SchedulesScreen);
