/** The large live picture, or a notice why there is none. */

import { h, icon, setAttribute, setText } from "../dom.js";
import { cameraTrouble, formatNumber } from "../format.js";
import { LivePlayer, liveAddress } from "../live/player.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";

/** @import { Camera, Phase, SoundPicture } from "../types.js" */

const HIDDEN_STOP_MS = 20_000;

export class LiveView extends HsElement {
  /** @type {Camera|null} */ #camera = null;
  /** @type {LivePlayer|null} */ #player = null;
  /** @type {"idle"|"paused"|Phase} */ #phase = "idle";
  #detail = "";
  /** @type {import("../server_clock.js").ServerClock|null} set by the page before the first camera */
  clock = null;

  video = h("video", { muted: true, playsinline: true, autoplay: true, disablepictureinpicture: true });
  picture = h("canvas", { class: "live-picture", role: "img", hidden: true });
  frozen = h("canvas", { class: "live-frozen", "aria-hidden": "true", hidden: true });
  words = h("p", { class: "live-words" });
  notice = h(
    "div",
    { class: "live-notice", role: "status" },
    h("span", { class: "spinner", "aria-hidden": "true" }),
    this.words,
  );
  latency = h("output", { class: "live-latency", title: text.live.behindTitle, hidden: true });
  fullButton = h(
    "button",
    {
      class: "icon-button live-full",
      type: "button",
      "aria-label": text.live.fullScreen,
      title: text.live.fullScreen,
      on: { click: () => this.toggleFullScreen() },
    },
    icon("full"),
  );

  /** Its module is imported after the picture; properties set before the upgrade stay. */
  sound = /** @type {HTMLElement & {picture?: SoundPicture}} */ (document.createElement("hs-sound-button"));

  build() {
    this.video.muted = true;
    this.fullButton.hidden = !document.fullscreenEnabled;
    this.append(this.video, this.picture, this.frozen, this.notice, this.latency, this.sound, this.fullButton);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    let hiding = 0;
    document.addEventListener(
      "visibilitychange",
      () => {
        clearTimeout(hiding);
        if (document.hidden) hiding = setTimeout(() => this.#stop("paused"), HIDDEN_STOP_MS);
        else if (this.#phase === "paused") this.#start();
        else this.#player?.hurry();
      },
      { signal },
    );
    addEventListener("online", () => this.#player?.hurry(), { signal });
    const timer = setInterval(() => this.#paint(), 500);
    signal.addEventListener("abort", () => {
      clearInterval(timer);
      clearTimeout(hiding);
      this.#stop("idle");
    });
    this.#start();
  }

  /** @param {Camera|null} camera */
  set camera(camera) {
    const changed = camera?.id !== this.#camera?.id;
    this.#camera = camera;
    setAttribute(
      this.sound,
      "quiet",
      camera?.state !== "live" || camera.audio_codec ? null : (camera.audio_trouble ?? ""),
    );
    if (!this.isConnected) return;
    if (changed) {
      this.frozen.hidden = true;
      this.#stop("idle");
      this.#start();
    }
    this.#paint();
  }

  /** @param {number} time_s the video's current time @returns {number|null} µs since the epoch */
  labelAt(time_s) {
    return this.#player?.labelAt(time_s) ?? null;
  }

  /** The label of the frame on screen, µs since the epoch; null while there is no moving picture. */
  get labelOnScreen() {
    return this.#phase === "playing" ? (this.#player?.labelOnScreen ?? null) : null;
  }

  toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.requestFullscreen().catch(() => undefined);
  }

  #start() {
    const camera = this.#camera;
    if (!camera) return;
    this.#enter("opening", "");
    const address = liveAddress(camera.id);
    this.#player = new LivePlayer({ video: this.video, canvas: this.picture }, address, {
      onPhase: (phase, detail) => this.#enter(phase, detail),
      onSize: (width, height) => this.style.setProperty("--ratio", `${width} / ${height}`),
      onRestart: () => this.#freeze(),
      onCameraState: (state, reason) => this.emit("camera-state", { camera: camera.id, state, reason }),
    });
    this.sound.picture = this.#player;
    setAttribute(this.sound, "src", `${address}/sound`);
  }

  /** @param {"idle"|"paused"} phase */
  #stop(phase) {
    if (phase === "paused") this.#freeze();
    setAttribute(this.sound, "src", null);
    this.#player?.close();
    this.#player = null;
    this.#enter(phase, "");
  }

  /** Keeps the last picture, greyed out, while a new stream begins. */
  #freeze() {
    const { video, picture, frozen } = this;
    const [shown, width, height] = picture.hidden
      ? [video, video.videoWidth, video.videoHeight]
      : [picture, picture.width, picture.height];
    if (!width) return;
    [frozen.width, frozen.height, frozen.hidden] = [width, height, false];
    frozen.getContext("2d")?.drawImage(shown, 0, 0);
  }

  /** @param {"idle"|"paused"|Phase} phase @param {string} detail */
  #enter(phase, detail) {
    [this.#phase, this.#detail] = [phase, detail];
    if (phase === "playing") [this.frozen.hidden] = [true, import("./sound_button.js").catch(() => undefined)];
    this.#paint();
  }

  #paint() {
    const words = this.#words();
    setText(this.words, words);
    this.notice.hidden = words === "";
    this.toggleAttribute("troubled", words !== "");
    this.toggleAttribute("waiting", !["unsupported", "paused"].includes(this.#phase));
    for (const screen of [this.video, this.picture])
      screen.setAttribute("aria-label", text.live.picture(this.#camera?.name ?? ""));
    const label_us = this.labelOnScreen;
    this.latency.hidden = label_us === null || words !== "";
    if (label_us !== null && this.clock) {
      setText(this.latency, text.live.behind(formatNumber(this.clock.secondsSince(label_us), 2)));
    }
  }

  #words() {
    if (!this.#camera || !this.clock) return "";
    if (this.#phase === "lost") return text.live.lost;
    if (this.#phase === "paused") return text.live.paused;
    const trouble = cameraTrouble(this.#camera, this.clock.now_ms());
    if (trouble) return trouble;
    if (this.#phase === "unsupported") return this.#detail ? text.live.unsupported(this.#detail) : text.live.noMse;
    const why = this.#phase === "playing" ? this.#player?.trouble(this.clock.now_ms()) : "opening";
    return why ? text.live[why] : "";
  }
}

customElements.define("hs-live-view", LiveView);
