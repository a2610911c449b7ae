/**
 * Turns the sound of the live picture on or off, and remembers the choice on this device. Imported after the picture.
 * `src`: the URL of the sound, `picture`: the live picture (set before `src`), `quiet`: why there is no sound.
 */

import { h, icon, setAttribute, setText } from "../dom.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";

/** @import { SoundPicture, SoundState } from "../types.js" */

const SETTING = "hindsight.sound";

export class SoundButton extends HsElement {
  static observedAttributes = ["src", "quiet"];

  #wanted = localStorage.getItem(SETTING) === "on";
  /** @type {SoundState} */
  #state = "off";
  #reason = "";
  /** @type {import("../live/sound.js").LiveSound|null} */
  sound = null;
  #sign = icon("mute");
  words = h("span", { class: "live-sound-words" });
  button = h(
    "button",
    { class: "live-sound", type: "button", on: { click: () => this.#toggle() } },
    this.#sign,
    this.words,
  );

  build() {
    this.append(this.button);
    this.#paint();
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (name !== "src") return this.#paint();
    this.#stop();
    if (this.#wanted) this.#start();
  }

  #toggle() {
    this.#wanted = !this.#wanted;
    localStorage.setItem(SETTING, this.#wanted ? "on" : "off");
    if (this.#wanted) this.#start();
    else this.#stop();
  }

  /** Set before the upgrade: a class field would overwrite it. @returns {SoundPicture} */
  get #picture() {
    return /** @type {any} */ (this).picture;
  }

  async #start() {
    const src = this.getAttribute("src");
    const picture = this.#picture;
    if (src === null) return;
    this.#enter("opening", "");
    const { LiveSound } = await import("../live/sound.js");
    const current = src === this.getAttribute("src") && picture === this.#picture;
    if (!current || !this.#wanted || this.sound !== null) return;
    const isMute = () => this.parentElement?.querySelector(".replay:not([hidden])") != null;
    this.sound = new LiveSound(src, picture, isMute, (state, reason) => this.#enter(state, reason));
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
    const none = this.#state === "off" && this.hasAttribute("quiet");
    const words = none ? text.sound.none : text.sound[this.#state];
    setText(this.words, ["off", "on", "opening"].includes(this.#state) && !none ? "" : words);
    const title = this.#reason || (none && this.getAttribute("quiet")) || words;
    for (const name of ["aria-label", "title"]) setAttribute(this.button, name, title);
    setAttribute(this.button, "aria-pressed", String(this.#wanted));
    setAttribute(this.button, "data-state", none ? "none" : this.#state);
    this.#sign.firstElementChild?.setAttribute("href", `#icon-${this.#state === "on" ? "sound" : "mute"}`);
  }
}

customElements.define("hs-sound-button", SoundButton);
