/** The sound of the live picture, on or off: off at first, then as this device was left. */

import { h, icon, setAttribute, setText } from "../dom.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";
/** @import { Camera, SoundPicture, SoundState } from "../types.js" */

const SETTING = "hindsight.sound";

export class SoundButton extends HsElement {
  #wanted = localStorage.getItem(SETTING) === "on";
  /** @type {SoundPicture|null} */
  #picture = null;
  #url = "";
  /** @type {SoundState} */
  #state = "off";
  #reason = "";
  /** @type {Camera|null} */
  #camera = null;
  /** @type {import("../live/sound.js").LiveSound|null} */
  sound = null;
  #sign = icon("mute");
  words = h("span", { class: "live-sound-words" });
  button = h("button", { class: "live-sound", type: "button", on: { click: () => this.#toggle() } }, this.#sign, this.words);

  build() {
    this.append(this.button);
    this.#paint();
  }

  /** @param {Camera|null} camera */
  set camera(camera) {
    this.#camera = camera;
    this.#paint();
  }

  /** The picture to be heard; null: there is none. @param {SoundPicture|null} picture @param {string} [url] its live view's */
  attach(picture, url = "") {
    this.#stop();
    this.#picture = picture;
    this.#url = `${url}/sound`;
    if (this.#wanted) this.#start();
  }

  #toggle() {
    this.#wanted = !this.#wanted;
    localStorage.setItem(SETTING, this.#wanted ? "on" : "off");
    if (this.#wanted) this.#start();
    else this.#stop();
  }

  async #start() {
    const picture = this.#picture;
    if (picture === null) return;
    this.#enter("opening", "");
    const { LiveSound } = await import("../live/sound.js");
    if (picture !== this.#picture || !this.#wanted || this.sound !== null) return;
    this.sound = new LiveSound(this.#url, picture, (state, reason) => this.#enter(state, reason));
  }

  #stop() {
    this.sound?.close();
    this.sound = null;
    this.#enter("off", "");
  }

  /** @param {SoundState} state @param {string} reason */
  #enter(state, reason) {
    if (state === this.#state && reason === this.#reason) return;
    [this.#state, this.#reason] = [state, reason];
    this.#paint();
  }

  #paint() {
    const none = this.#state === "off" && this.#camera?.state === "live" && !this.#camera.audio_codec;
    const words = none ? text.sound.none : text.sound[this.#state];
    setText(this.words, ["off", "on", "opening"].includes(this.#state) && !none ? "" : words);
    const title = this.#reason || (none && this.#camera?.audio_trouble) || words;
    for (const name of ["aria-label", "title"]) setAttribute(this.button, name, title);
    setAttribute(this.button, "aria-pressed", String(this.#wanted));
    setAttribute(this.button, "data-state", none ? "none" : this.#state);
    this.#sign.firstElementChild?.setAttribute("href", `#icon-${this.#state === "on" ? "sound" : "mute"}`);
  }
}

customElements.define("hs-sound-button", SoundButton);
