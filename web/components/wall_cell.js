/** One camera's live picture on the wall: silent, and connected only while it is in view. */

import { h, setText } from "../dom.js";
import { cameraTrouble } from "../format.js";
import { LivePlayer, liveAddress } from "../live/player.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";
/** @import { Camera, Phase } from "../types.js" */

export class WallCell extends HsElement {
  #id;
  #inView = false;
  /** @type {LivePlayer|null} */
  #player = null;
  /** @type {"idle"|Phase} */
  #phase = "idle";
  #codec = "";
  /** @type {Camera|null} */
  #camera = null;
  #now_ms = 0;

  video = h("video", {
    muted: true,
    playsinline: true,
    autoplay: true,
    disablepictureinpicture: true,
    "aria-hidden": "true",
  });
  picture = h("canvas", { "aria-hidden": "true", hidden: true });
  words = h("span", { class: "wall-words" });

  /** @param {string} id of the camera */
  constructor(id) {
    super();
    this.#id = id;
  }

  build() {
    this.video.muted = true;
    this.append(this.video, this.picture, this.words);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    document.addEventListener("visibilitychange", () => this.#follow(), { signal });
    addEventListener("online", () => this.#player?.hurry(), { signal });
    signal.addEventListener("abort", () => {
      this.#inView = false;
      this.#follow();
    });
  }

  /** @param {boolean} seen */
  set inView(seen) {
    this.#inView = seen;
    this.#follow();
  }

  /** The label of the frame on screen, µs since the epoch; null while there is no moving picture. */
  get labelOnScreen() {
    return this.#phase === "playing" ? (this.#player?.labelOnScreen ?? null) : null;
  }

  /** @param {Camera} camera @param {number} now_ms on the server's clock */
  show(camera, now_ms) {
    [this.#camera, this.#now_ms] = [camera, now_ms];
    this.#paint();
  }

  #follow() {
    const wanted = this.#inView && !document.hidden;
    if (wanted === (this.#player !== null)) return;
    if (wanted) return this.#start();
    this.#player?.close();
    this.#player = null;
    this.#enter("idle", "");
  }

  #start() {
    this.#enter("opening", "");
    this.#player = new LivePlayer({ video: this.video, canvas: this.picture }, liveAddress(this.#id), {
      onPhase: (phase, detail) => this.#enter(phase, detail),
      onSize: () => undefined,
      onRestart: () => undefined,
      onCameraState: (state, reason) => this.emit("camera-state", { camera: this.#id, state, reason }),
    });
  }

  /** @param {"idle"|Phase} phase @param {string} codec that this browser cannot play */
  #enter(phase, codec) {
    [this.#phase, this.#codec] = [phase, codec];
    this.#paint();
  }

  #paint() {
    const words = this.#words();
    setText(this.words, words);
    this.toggleAttribute("troubled", words !== "");
  }

  #words() {
    const trouble = this.#camera && cameraTrouble(this.#camera, this.#now_ms);
    if (this.#phase === "lost") return text.live.lost;
    if (trouble) return trouble;
    if (this.#phase === "unsupported") return this.#codec ? text.live.unsupported(this.#codec) : text.live.noMse;
    const why = this.#phase === "playing" ? this.#player?.trouble(this.#now_ms) : "opening";
    return why && this.#phase !== "idle" ? text.live[why] : "";
  }
}

customElements.define("hs-wall-cell", WallCell);
