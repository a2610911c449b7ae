/**
 * Shows one screen at a time. A screen is an element with `show(state, now_ms)`; the first visit imports its module and
 * creates it, and then it is kept. Until it is there, its name and grey shapes stand in its place; after a while, or if
 * it cannot be had, a failure. `connectedCallback` and `disconnectedCallback` tell a screen whether it is shown.
 */

import { HsElement } from "../components/element.js";
import { Failure } from "../components/failure.js";
import { h, setText, skeleton } from "../dom.js";
import { isStale } from "../freshness.js";
import { text } from "../messages.js";
import { READ_MS } from "../patience.js";
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
  #stale = false;

  failure = new Failure(() => this.#again(), { pressed: () => this.#retry() });
  heading = h("h1", { class: "screen-title" });
  waiting = h("div", { "aria-busy": "true" }, this.heading, skeleton());

  /** @param {Record<string, () => Promise<Screen>|Screen>} makers by name @param {() => void} repaint */
  constructor(makers, repaint) {
    super();
    this.#makers = makers;
    this.#repaint = repaint;
    this.failure.show(text.screens.failed);
  }

  /** @param {string} name @returns {boolean} whether there is such a screen */
  has(name) {
    return Object.hasOwn(this.#makers, name);
  }

  /** @param {string} name */
  go(name) {
    if (name === this.#name) return;
    if (this.#name) this.#scrolled.set(this.#name, scrollY);
    this.#name = name;
    const screen = this.#made.get(name);
    if (screen) this.#put(screen);
    else this.#visit(name);
  }

  /** @param {string} name */
  async #visit(name) {
    setText(this.heading, text.screens[/** @type {"live"} */ (name)]);
    this.replaceChildren(this.waiting);
    const fail = () => {
      if (this.#name === name) this.replaceChildren(this.failure);
    };
    // An import from a box that stands still neither ends nor fails. If it ends later, it is welcome.
    const late = setTimeout(fail, READ_MS);
    try {
      const screen = await this.#makers[name]();
      if (!this.#made.has(name)) this.#made.set(name, screen);
      if (this.#name === name) this.#put(/** @type {Screen} */ (this.#made.get(name)));
    } catch {
      fail();
    } finally {
      clearTimeout(late);
    }
  }

  /** @param {Screen} screen */
  #put(screen) {
    if (screen.isConnected) return;
    this.replaceChildren(screen);
    this.#repaint();
    scrollTo(0, this.#scrolled.get(String(this.#name)) ?? 0);
  }

  #retry() {
    // A box that is there may be another version by now, and some browsers remember that a module failed.
    if (!this.#stale) location.reload();
    else this.#again();
  }

  #again() {
    if (this.#name) this.#visit(this.#name);
  }

  /** The clips of the current screen in its order, if it has any. @param {string} id of the open clip */
  clipList(id) {
    const screen = this.#name === null ? undefined : this.#made.get(this.#name);
    return screen?.clipList?.(id) ?? null;
  }

  /** @param {State} state @param {number} now_ms on the server's clock */
  show(state, now_ms) {
    this.#stale = isStale(state);
    const screen = this.#name === null ? undefined : this.#made.get(this.#name);
    if (screen?.isConnected) screen.show(state, now_ms);
  }
}

customElements.define("hs-screen-switcher", ScreenSwitcher);
