/**
 * The last minute, under the live picture: look back by dragging, mark a span, play it from memory, keep it. What is looked
 * at is shown in `stage`, which the screen lays over the live picture. Wishes: `keep-span` {camera, start, end, replay}, `say`.
 */

import { h, setAttribute } from "../dom.js";
import { rfc3339 } from "../format.js";
import { text } from "../messages.js";
import { Film } from "../rewind/film.js";
import { Session } from "../rewind/session.js";
import { HsElement } from "./element.js";
import { FilmLine } from "./film_line.js";
import { RewindTools } from "./rewind_tools.js";
/** @import { Camera } from "../types.js" */

export class RewindPanel extends HsElement {
  #api;
  /** @type {Camera|null} */
  #camera = null;
  /** @type {Film|null} */
  #film = null;
  /** @type {Session|null} null: live */
  #session = null;
  #now_ms = 0;

  near = h("img", { class: "past-picture past-near", alt: "", hidden: true });
  stage = h("div", { class: "past", role: "img", "aria-label": text.rewind.picture, hidden: true }, this.near);
  line = new FilmLine();
  hint = h("p", { class: "film-hint" }, text.rewind.hint);
  tools = new RewindTools({
    step: (frames) => this.step(frames), play: () => this.togglePlay(), keep: () => this.keep(), leave: () => this.leave(),
    mark: (which) => this.markHere(which),
  });

  /** @param {import("../api.js").Api} api */
  constructor(api) {
    super();
    this.#api = api;
    this.line.onLook = (at_ms) => this.lookAt(at_ms);
    this.line.onStart = (at_ms) => this.#session?.mark("start", at_ms);
    this.line.onEnd = (at_ms) => this.#session?.mark("end", at_ms);
  }

  build() {
    setAttribute(this, "aria-label", text.rewind.title);
    setAttribute(this, "role", "region");
    this.hidden = true;
    this.append(this.line, this.hint, this.tools);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    signal.addEventListener("abort", () => this.leave());
  }

  get looking() { return this.#session !== null; }

  /** The moment on screen, ms since the epoch; null: live. */
  get at_ms() { return this.#session?.marks.at_ms ?? null; }

  /** @param {Camera|null} camera @param {number} now_ms on the server's clock */
  show(camera, now_ms) {
    if (camera?.id !== this.#camera?.id) this.#change(camera);
    this.#camera = camera;
    this.hidden = !this.looking && !camera?.buffer.frame_count;
    if (this.hidden || this.looking) return;
    this.#now_ms = now_ms;
    if (!document.hidden && camera?.state === "live") this.#film?.follow(now_ms);
    this.#paint();
  }

  /** @param {number} at_ms */
  lookAt(at_ms) {
    if (this.#session) this.#session.look(at_ms);
    else if (this.#camera) this.#begin(this.#camera, at_ms);
  }

  /** @param {number} frames */
  step(frames) {
    this.lookAt((this.at_ms ?? this.#now_ms) + frames * (this.#session?.frame_ms ?? 33));
  }

  /** @param {"start"|"end"} which */
  markHere(which) {
    if (this.#session) this.#session.mark(which, this.#session.marks.at_ms);
  }

  togglePlay() {
    this.#session?.togglePlay();
  }

  keep() {
    if (!this.#session || !this.#camera) return;
    const { marks, token } = this.#session;
    const [start, end] = [marks.start_ms, marks.end_ms].map((ms) => rfc3339(Math.round(ms * 1000)));
    this.wish("keep-span", { camera: this.#camera.id, start, end, replay: token });
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
    this.#film?.close();
    this.#film = camera ? new Film(this.#api, camera.id, camera.buffer.capacity_seconds ?? 60) : null;
    if (this.#film) this.line.prepend(this.#film.element);
  }

  /** @param {Camera} camera @param {number} at_ms */
  #begin(camera, at_ms) {
    const from_ms = this.#now_ms - (camera.buffer.capacity_seconds ?? 60) * 1000;
    this.#session = new Session(this.#api, camera, { from_ms, to_ms: this.#now_ms, at_ms }, {
      onChange: () => { this.#showNear(); this.#paint(); },
      onOpen: (element) => this.stage.prepend(element),
      onShown: () => { this.near.hidden = true; },
      onLost: (words) => { this.leave(); this.wish("say", { words: words || text.rewind.gone, tone: "bad" }); },
    });
    this.#showNear();
    this.#paint();
  }

  /** The neighbouring small picture stands in until the exact one is there. */
  #showNear() {
    if (!this.#session || this.#session.playing) return;
    const source = this.#film?.near(this.#session.marks.at_ms)?.src;
    if (source && this.near.src !== source) this.near.src = source;
    this.near.hidden = !source;
    this.stage.hidden = false;
  }

  #paint() {
    const marks = this.#session?.marks ?? null;
    const capacity_ms = (this.#camera?.buffer.capacity_seconds ?? 60) * 1000;
    const [from_ms, to_ms] = marks ? [marks.from_ms, marks.to_ms] : [this.#now_ms - capacity_ms, this.#now_ms];
    this.line.show({ from_ms, to_ms, frame_ms: this.#session?.frame_ms ?? 1000 / 30 }, marks);
    this.#film?.place(from_ms, to_ms);
    this.tools.hidden = marks === null;
    this.hint.hidden = marks !== null;
    if (marks) this.tools.show(marks, this.#session?.playing ?? false);
  }
}

customElements.define("hs-rewind-panel", RewindPanel);
