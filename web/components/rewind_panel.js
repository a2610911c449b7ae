/**
 * The last minute, under the live picture: look back by dragging, mark a span, play it from memory, keep it. `stage`
 * shows the replay; the screen lays it over the live picture. Events: `keep-span` {camera, start, end,
 * replay}, `say`.
 */

import { h, setAttribute } from "../dom.js";
import { text } from "../messages.js";
import { Filmstrip } from "../rewind/filmstrip.js";
import { Frames } from "../rewind/frames.js";
import { RewindSession } from "../rewind/rewind_session.js";
import { formatLabel, fromMs, SECOND_US } from "../timestamps.js";
import { HsElement } from "./element.js";
import { RewindTimeline } from "./rewind_timeline.js";
import { RewindTools } from "./rewind_tools.js";
/** @import { Camera } from "../types.js" */

export class RewindPanel extends HsElement {
  #api;
  #live;
  /** @type {Camera|null} */
  #camera = null;
  /** @type {Filmstrip|null} */
  #filmstrip = null;
  /** @type {RewindSession|null} null: live */
  #session = null;
  #now_us = 0;

  near = h("img", { class: "replay-picture replay-near", alt: "", hidden: true });
  stage = h("div", { class: "replay", role: "img", "aria-label": text.rewind.picture, hidden: true }, this.near);
  timeline = new RewindTimeline();
  hint = h("p", { class: "rewind-hint" }, text.rewind.hint);
  tools = new RewindTools({
    step: (frames) => this.step(frames),
    play: () => this.togglePlay(),
    keep: () => this.keep(),
    leave: () => this.leave(),
    mark: (which) => this.markHere(which),
  });

  /** @param {import("../api.js").Api} api @param {import("./live_view.js").LiveView} live */
  constructor(api, live) {
    super();
    this.#api = api;
    this.#live = live;
    this.timeline.onLook = (us) => this.lookAt(us);
    this.timeline.onStep = (frames) => this.step(frames);
    this.timeline.onStart = (us) => this.#session?.mark("start", us);
    this.timeline.onEnd = (us) => this.#session?.mark("end", us);
  }

  build() {
    setAttribute(this, "aria-label", text.rewind.title);
    setAttribute(this, "role", "region");
    this.hidden = true;
    this.append(this.timeline, this.hint, this.tools);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    signal.addEventListener("abort", () => this.leave());
  }

  get looking() {
    return this.#session !== null;
  }

  /** The label of the frame on screen, µs since the epoch; null: live. */
  get at_us() {
    return this.#session?.at_us ?? null;
  }

  /** @param {Camera|null} camera @param {number} now_ms on the server's clock */
  show(camera, now_ms) {
    if (camera?.id !== this.#camera?.id) this.#change(camera);
    this.#camera = camera;
    this.hidden = !this.looking && !camera?.buffer.frame_count;
    if (this.hidden || this.looking) return;
    this.#now_us = fromMs(now_ms);
    if (!document.hidden && camera?.state === "live") this.#filmstrip?.follow(this.#now_us);
    this.#paint();
  }

  /** @param {number} us */
  lookAt(us) {
    if (this.#session) this.#session.look(us);
    else if (this.#camera) this.#begin(this.#camera, us);
  }

  /** Steps from the frame on screen, live or not. @param {number} frames */
  step(frames) {
    if (!this.#session) this.lookAt(this.#live.labelOnScreen ?? this.#now_us);
    this.#session?.step(frames);
  }

  /** @param {"start"|"end"} which */
  markHere(which) {
    this.#session?.mark(which, this.#session.marks.at_us);
  }

  togglePlay() {
    this.#session?.togglePlay();
  }

  keep() {
    if (!this.#session || !this.#camera) return;
    const { marks, token } = this.#session;
    this.emit("keep-span", {
      camera: this.#camera.id,
      start: formatLabel(marks.start_us),
      end: formatLabel(marks.end_us),
      replay: token,
    });
  }

  /** Back to the live picture. */
  leave() {
    this.#session?.close();
    this.#session = null;
    this.stage.hidden = true;
    this.#paint();
  }

  /** @param {Camera|null} camera */
  #change(camera) {
    this.leave();
    this.#filmstrip?.close();
    this.#filmstrip = camera ? new Filmstrip(this.#api, camera.id, camera.buffer.capacity_seconds ?? 60) : null;
    if (this.#filmstrip) this.timeline.prepend(this.#filmstrip.element);
  }

  /** The frames of the timeline until those of a replay are known. */
  get #estimated() {
    return Frames.estimated(this.#now_us - (this.#camera?.buffer.capacity_seconds ?? 60) * SECOND_US, this.#now_us);
  }

  /** @param {Camera} camera @param {number} us */
  #begin(camera, us) {
    this.#session = new RewindSession(this.#api, camera, this.#estimated, us, {
      onChange: () => this.#paint(),
      onSeek: () => this.#showNear(),
      onOpen: (element) => this.stage.prepend(element),
      onShown: () => {
        this.near.hidden = true;
        setAttribute(this.stage, "aria-busy", null);
      },
      onLost: (words) => {
        this.leave();
        this.emit("say", { words: words || text.rewind.gone, tone: "bad" });
      },
    });
    this.#showNear();
    this.#paint();
  }

  /** Shows the nearest small picture until the exact one is there. */
  #showNear() {
    const source = this.#filmstrip?.near(this.at_us ?? 0)?.src;
    if (source && this.near.src !== source) this.near.src = source;
    this.near.hidden = !source;
    this.stage.hidden = false;
    setAttribute(this.stage, "aria-busy", "true");
  }

  #paint() {
    const marks = this.#session?.marks ?? null;
    const frames = marks?.frames ?? this.#estimated;
    this.timeline.show(frames, marks);
    this.#filmstrip?.place(frames.from_us, frames.to_us);
    this.tools.hidden = marks === null;
    this.hint.hidden = marks !== null;
    if (marks) this.tools.show(marks, this.#session?.playing ?? false);
  }
}

customElements.define("hs-rewind-panel", RewindPanel);
