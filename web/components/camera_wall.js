/**
 * All cameras side by side, live. A cell out of view, or a hidden page, holds no socket.
 * Events: `camera-state` from the cells' sockets; a cell is a link to its camera.
 */

import { h, setAttribute, setText, stylesheet } from "../dom.js";
import { text } from "../messages.js";
import { routeHref } from "../router.js";
import { HsElement } from "./element.js";
import { WallCell } from "./wall_cell.js";
/** @import { Camera } from "../types.js" */

/** @typedef {{item: HTMLLIElement, cell: WallCell, name: HTMLElement, state: HTMLElement}} Entry */

export class CameraWall extends HsElement {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {IntersectionObserver|null} */
  #observer = null;

  list = h("ul", { class: "wall", "aria-label": text.camera.all });

  constructor() {
    super();
    stylesheet("wall");
  }

  build() {
    this.append(h("h1", { class: "unseen" }, text.camera.all), this.list);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    const observer = new IntersectionObserver(
      (seen) => {
        for (const { target, isIntersecting } of seen) /** @type {WallCell} */ (target).inView = isIntersecting;
      },
      { rootMargin: "100px" },
    );
    this.#observer = observer;
    for (const { cell } of this.#entries.values()) observer.observe(cell);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** @param {readonly Camera[]} cameras @param {number} now_ms on the server's clock */
  show(cameras, now_ms) {
    for (const [id, { item, cell }] of this.#entries) {
      if (cameras.some((camera) => camera.id === id)) continue;
      this.#observer?.unobserve(cell);
      item.remove();
      this.#entries.delete(id);
    }
    for (const camera of cameras) {
      const { cell, name, state } = this.#entries.get(camera.id) ?? this.#add(camera.id);
      setText(name, camera.name || camera.id);
      setText(state, text.camera[camera.state]);
      setAttribute(state, "data-state", camera.state);
      cell.show(camera, now_ms);
    }
  }

  /** @param {string} id */
  #add(id) {
    const cell = new WallCell(id);
    const name = h("span", { class: "wall-name" });
    const state = h("span", { class: "state-pill" });
    const link = h(
      "a",
      { class: "wall-link", href: routeHref({ query: new URLSearchParams({ camera: id }) }) },
      cell,
      h("span", { class: "wall-text" }, name, state),
    );
    const entry = { item: h("li", {}, link), cell, name, state };
    this.#entries.set(id, entry);
    this.list.append(entry.item);
    this.#observer?.observe(cell);
    return entry;
  }
}

customElements.define("hs-camera-wall", CameraWall);
