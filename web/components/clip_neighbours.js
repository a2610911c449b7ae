/** Buttons for the previous and the next clip in the list under the dialog. */

import { h, icon } from "../dom.js";
import { text } from "../messages.js";
import { clipHref } from "../router.js";
import { HsElement } from "./element.js";
/** @import { Clip } from "../types.js" */

export class ClipNeighbours extends HsElement {
  /** @type {string|null} */
  #id = null;
  /** @type {{previous: string|null, next: string|null}} */
  #ids = { previous: null, next: null };

  previous = this.#button("previous", "left");
  next = this.#button("next", "right");

  build() {
    this.append(this.previous, this.next);
  }

  /** A clip that left the list keeps its neighbours. @param {string} id @param {readonly Clip[]} items */
  show(id, items) {
    if (id !== this.#id) this.#ids = { previous: null, next: null };
    this.#id = id;
    const at = items.findIndex((clip) => clip.id === id);
    if (at >= 0) this.#ids = { previous: items[at - 1]?.id ?? null, next: items[at + 1]?.id ?? null };
    this.previous.hidden = this.#ids.previous === null;
    this.next.hidden = this.#ids.next === null;
  }

  /** Adds no step for the Back button, which leads to the list. @param {"previous"|"next"} which */
  go(which) {
    const id = this.#ids[which];
    if (id) location.replace(clipHref(id));
  }

  /** @param {"previous"|"next"} which @param {string} picture */
  #button(which, picture) {
    return h(
      "button",
      {
        type: "button",
        class: "icon-button neighbour",
        "aria-label": text.clip[which],
        title: text.clip[which],
        on: { click: () => this.go(which) },
      },
      icon(picture),
    );
  }
}

customElements.define("hs-clip-neighbours", ClipNeighbours);
