/**
 * A switch between cameras, shown when there is more than one. Events: `choose-camera` {camera},
 * `choose-grid` for all of them side by side.
 */

import { h, setAttribute, setText } from "../dom.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";
/** @import { Camera } from "../types.js" */

export class CameraTabs extends HsElement {
  /** @type {Map<string, {button: HTMLButtonElement, name: HTMLElement, dot: HTMLElement}>} */
  #tabs = new Map();

  /** @type {string|null|undefined} */
  #current;

  all = h("button", { type: "button", class: "tab", on: { click: () => this.emit("choose-grid") } }, text.camera.all);

  build() {
    this.append(this.all);
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", text.camera.choose);
  }

  /** @param {readonly Camera[]} cameras @param {string|null} current null: all */
  show(cameras, current) {
    this.hidden = cameras.length < 2;
    for (const [id, { button }] of this.#tabs) {
      if (!cameras.some((camera) => camera.id === id)) {
        button.remove();
        this.#tabs.delete(id);
      }
    }
    setAttribute(this.all, "aria-pressed", String(current === null));
    for (const camera of cameras) {
      const { button, name, dot } = this.#tabs.get(camera.id) ?? this.#add(camera.id);
      setText(name, camera.name || camera.id);
      setAttribute(button, "aria-pressed", String(camera.id === current));
      setAttribute(dot, "data-state", camera.state);
      setAttribute(dot, "aria-label", text.camera[camera.state]);
    }
    if (current === this.#current || this.hidden) return;
    this.#current = current;
    // Scroll a long row of tabs to the current camera, without scrolling the page.
    const { offsetLeft, offsetWidth } = this.#tabs.get(current ?? "")?.button ?? this.all;
    const least = offsetLeft + offsetWidth - this.clientWidth;
    if (offsetLeft < this.scrollLeft || least > this.scrollLeft) this.scrollLeft = (offsetLeft + least) / 2;
  }

  /** @param {string} id */
  #add(id) {
    const dot = h("span", { class: "state-dot", role: "img" });
    const name = h("span");
    const button = h(
      "button",
      { type: "button", class: "tab", on: { click: () => this.emit("choose-camera", { camera: id }) } },
      dot,
      name,
    );
    const tab = { button, name, dot };
    this.#tabs.set(id, tab);
    this.append(button);
    return tab;
  }
}

customElements.define("hs-camera-tabs", CameraTabs);
