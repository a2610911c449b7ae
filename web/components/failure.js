/**
 * In place of what could not be read: why, and a button. It tries again by itself when the page has found the box again
 * (`box-back` on the document).
 */

import { h, icon, setAttribute, setText } from "../dom.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";

export class Failure extends HsElement {
  #again;
  words = h("p");

  /**
   * @param {() => void} again reads it again
   * @param {{title?: Element, sign?: string, pressed?: () => void}} [options] `pressed`: what the button does instead
   */
  constructor(again, { title, sign = "alert", pressed = again } = {}) {
    super();
    this.#again = again;
    this.hidden = true;
    this.className = "state";
    setAttribute(this, "role", "alert");
    const attributes = { type: "button", class: "button", on: { click: pressed } };
    this.append(icon(sign), title ?? "", this.words, h("button", attributes, icon("retry"), text.clips.retry));
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    document.addEventListener("box-back", () => this.hidden || this.#again(), { signal });
  }

  /** @param {unknown} error null: there is none */
  show(error) {
    this.hidden = error === null;
    if (error !== null) setText(this.words, error instanceof Error ? error.message : String(error));
  }
}

customElements.define("hs-failure", Failure);
