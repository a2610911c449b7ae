/**
 * The live screen: picture, Record, running recordings and the newest clips; or all cameras side by side (`?grid=1`).
 */

import { BufferMeter } from "../components/buffer_meter.js";
import { CameraTabs } from "../components/camera_tabs.js";
import { HsElement } from "../components/element.js";
import { Failure } from "../components/failure.js";
import { LiveView } from "../components/live_view.js";
import { RecordPanel } from "../components/record_panel.js";
import { h, setAttribute, setText, skeleton } from "../dom.js";
import { isStale } from "../freshness.js";
import { text } from "../messages.js";
import { currentCamera, runningClips } from "../store.js";
/** @import { Camera, Services, State } from "../types.js" */

export class LiveScreen extends HsElement {
  /** @type {import("../components/rewind_panel.js").RewindPanel|null} imported when the picture is there */
  rewind = null;
  /** @type {import("../components/camera_wall.js").CameraWall|null} imported when all cameras are shown */
  #wall = null;
  /** @type {import("../components/cost_line.js").CostLine|null} imported when there is something to record */
  #costs = null;
  /** @type {import("../components/recordings.js").Recordings|null} imported beside the picture, as is `#grid` */
  #recordings = null;
  /** @type {import("../components/clip_grid.js").ClipGrid|null} */
  #grid = null;
  #services;

  live = new LiveView();
  tabs = new CameraTabs();
  meter = new BufferMeter();
  cost = h("div");
  panel = new RecordPanel();
  running = h("div", { hidden: true });
  clips = h("div", { class: "clips-waiting", "aria-busy": "true" }, skeleton());
  name = h("h1", { class: "camera-name" });
  state = h("span", { class: "state-pill" });
  noCameraTitle = h("h2");
  noCamera = new Failure(() => this.emit("reload"), { title: this.noCameraTitle, sign: "still" });
  picture = h("div", { class: "stage-picture" }, this.live);
  stage = h(
    "section",
    { class: "stage", "aria-label": text.camera.live },
    this.picture,
    h(
      "div",
      { class: "panel" },
      h("div", { class: "panel-head" }, this.name, this.state),
      this.meter,
      this.panel,
      this.cost,
      this.running,
    ),
  );

  /** @param {Services} services */
  constructor(services) {
    super();
    this.#services = services;
    this.live.clock = services.clock;
  }

  build() {
    this.noCamera.classList.add("stage-state");
    this.append(this.tabs, this.noCamera, this.stage, this.clips);
  }

  /** The label of the frame on screen, µs since the epoch: of the live picture, or of the replay. */
  get labelOnScreen() {
    return this.rewind?.at_us ?? this.live.labelOnScreen;
  }

  /** Whether this screen shows one camera. */
  get single() {
    return this.isConnected && !this.stage.hidden;
  }

  /** The running recordings and the newest clips. */
  async #loadClips() {
    try {
      const [{ ClipGrid }, { Recordings }] = await Promise.all([
        import("../components/clip_grid.js"),
        import("../components/recordings.js"),
      ]);
      if (this.#grid) return;
      [this.#grid, this.#recordings] = [new ClipGrid(), new Recordings()];
    } catch {
      return; // The box is away; the next call retries.
    }
    this.running.replaceWith(this.#recordings);
    this.clips.replaceWith(this.#grid);
  }

  async #loadRewind() {
    if (this.rewind) return;
    try {
      const { RewindPanel } = await import("../components/rewind_panel.js");
      if (this.rewind) return;
      this.rewind = new RewindPanel(this.#services.api, this.live);
    } catch {
      return; // The box is away; the rest of this screen works.
    }
    this.live.append(this.rewind.stage);
    this.picture.append(this.rewind);
  }

  /** @param {State} state @param {number} now_ms */
  show(state, now_ms) {
    const { status, error, items } = state.cameras;
    const all = state.query.has("grid") && items.length > 1;
    const camera = all ? null : currentCamera(state);
    this.stage.hidden = camera === null && (all || status !== "loading");
    this.noCamera.hidden = all || camera !== null || status === "loading";
    this.#showWall(all ? items : [], now_ms);
    setText(this.noCameraTitle, status === "error" ? text.camera.failed : text.camera.none);
    setText(this.noCamera.words, status === "error" ? (error ?? "") : text.camera.noneDetail);
    this.tabs.show(items, camera?.id ?? null);
    setText(this.name, camera?.name || camera?.id || text.camera.loading);
    setText(this.state, camera ? text.camera[camera.state] : "");
    setAttribute(this.state, "data-state", camera?.state);
    this.live.camera = camera;
    // The live picture comes first; rewinding may take a moment longer.
    if (this.rewind) this.rewind.show(camera, now_ms);
    else if (this.live.labelOnScreen !== null) this.#loadRewind();
    this.#showRunning(state, camera, now_ms);
    const recordable = camera?.buffer.frame_count ? camera.id : null;
    if (recordable || this.#costs) this.#showCosts(recordable, state);
    if (this.#grid) this.#grid.show(state, now_ms);
    else this.#loadClips();
  }

  /** @param {string|null} camera @param {State} state */
  async #showCosts(camera, { lengths, clips }) {
    if (!this.#costs) {
      try {
        const { CostLine } = await import("../components/cost_line.js");
        if (!this.#costs) {
          this.#costs = new CostLine(this.#services.api);
          this.cost.append(this.#costs);
        }
      } catch {
        return; // It is only a hint, and the next call retries.
      }
    }
    this.#costs.show(camera, lengths, clips.items.length);
  }

  /** @param {readonly Camera[]} cameras empty: a single camera is shown @param {number} now_ms */
  async #showWall(cameras, now_ms) {
    if (cameras.length === 0) return this.#wall?.remove();
    if (!this.#wall) {
      try {
        const { CameraWall } = await import("../components/camera_wall.js");
        this.#wall ??= new CameraWall();
      } catch {
        if (this.isConnected) this.#services.say(text.screens.failed, "bad");
        return this.emit("choose-camera", { camera: null });
      }
      // The viewer may have gone back to one camera meanwhile.
      if (!this.isConnected || !this.#services.store.state.query.has("grid")) return;
    }
    if (!this.#wall.isConnected) this.stage.after(this.#wall);
    this.#wall.show(cameras, now_ms);
  }

  /** Shows what the clock changes. @param {State} state @param {Camera|null} camera @param {number} now_ms */
  #showRunning(state, camera, now_ms) {
    const running = camera ? runningClips(state, camera.id) : [];
    const capacity = camera?.buffer.capacity_seconds ?? 60;
    const seconds = camera ? bufferedSeconds(camera, now_ms) : 0;
    setAttribute(this.meter, "capacity", capacity);
    setAttribute(this.meter, "seconds", Math.round(seconds * 10) / 10);
    const stale = isStale(state);
    const nothing = camera ? text.record.notYet : text.camera.loading;
    setAttribute(this.meter, "stale", stale);
    this.panel.show({
      cannot: stale ? text.record.noLink : seconds > 0 ? null : nothing,
      asking: state.pending.record,
      snapping: state.pending.snapshot > 0,
      running,
      stopping: state.pending.ids,
      lengths: state.lengths,
      capacity,
      now_ms,
    });
    this.#recordings?.show(running, state.pending.ids, now_ms);
  }
}

/** A live buffer grows between updates while the box is heard. @param {Camera} camera @param {number} now_ms */
function bufferedSeconds({ buffer, state, received_ms = 0 }, now_ms) {
  const since = state === "live" ? Math.max(0, (now_ms - received_ms) / 1000) : 0;
  return Math.min(buffer.capacity_seconds ?? 60, buffer.duration_seconds + (buffer.frame_count ? since : 0));
}

customElements.define("hs-live-screen", LiveScreen);
