/**
 * Shows one screen at a time. A screen is an element with `show(state, now_ms)`; the first visit imports its module and
 * creates it, and then it is kept. `connectedCallback` and `disconnectedCallback` tell a screen whether it is shown.
 */

import { HsElement } from "../components/element.js";
import { h, icon, setText } from "../dom.js";
import { text } from "../messages.js";
/** @import { Screen, State } from "../types.js" */

export class ScreenSwitcher extends HsElement {
  /** @type {Record<string, () => Promise<Screen>|Screen>} */
  #makers;
  /** @type {Map<string, Screen>} */
  #made = new Map();
  /** @type {Map<string, number>} the scroll position of each screen */
  #scrolled = new Map();
  /** @type {string|null} */
  #name = null;
  /** @type {() => void} */
  #repaint;

  words = h("p");
  failure = h(
    "div",
    { class: "state", role: "alert" },
    icon("alert"),
    this.words,
    h(
      "button",
      { type: "button", class: "button", on: { click: () => location.reload() } },
      icon("retry"),
      text.clips.retry,
    ),
  );

  /** @param {Record<string, () => Promise<Screen>|Screen>} makers by name @param {() => void} repaint */
  constructor(makers, repaint) {
    super();
    this.#makers = makers;
    this.#repaint = repaint;
  }

  /** @param {string} name @returns {boolean} whether there is such a screen */
  has(name) {
    return Object.hasOwn(this.#makers, name);
  }

  /** @param {string} name */
  async go(name) {
    if (name === this.#name) return;
    if (this.#name) this.#scrolled.set(this.#name, scrollY);
    this.#name = name;
    let screen = this.#made.get(name);
    if (!screen) {
      try {
        screen = await this.#makers[name]();
      } catch {
        // The box is away, or serves a newer version of the page.
        setText(this.words, text.screens.failed);
        if (this.#name === name) this.replaceChildren(this.failure);
        this.#name = null;
        return;
      }
      this.#made.set(name, screen);
    }
    if (this.#name !== name) return;
    this.replaceChildren(screen);
    this.#repaint();
    scrollTo(0, this.#scrolled.get(name) ?? 0);
  }

  /** The clips of the current screen in its order, if it has any. @param {string} id of the open clip */
  clipList(id) {
    const screen = this.#name === null ? undefined : this.#made.get(this.#name);
    return screen?.clipList?.(id) ?? null;
  }

  /** @param {State} state @param {number} now_ms on the server's clock */
  show(state, now_ms) {
    const screen = this.#name === null ? undefined : this.#made.get(this.#name);
    if (screen?.isConnected) screen.show(state, now_ms);
  }
}

customElements.define("hs-screen-switcher", ScreenSwitcher);
