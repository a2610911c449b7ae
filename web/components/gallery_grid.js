/**
 * A list of clips of any length: only the rows near the screen are in the document, and cards that scroll out of it are
 * reused. Cards can be chosen. Events: `more` near the end of the list, `chosen` {id, on} when a card is chosen.
 */

import { text } from "../all_messages.js";
import { h, setAttribute } from "../dom.js";
import { clipTitle } from "../format.js";
import { notesOn } from "../gallery/order.js";
import { windowOf } from "../gallery/window.js";
import { ClipCard } from "./clip_card.js";
import { HsElement } from "./element.js";

/** @import { Camera, Clip, CopyState } from "../types.js" */

/** @typedef {{item: HTMLLIElement, card: ClipCard, box: HTMLInputElement}} Entry */

const GUESSED_ROW_PX = 240;

export class GalleryGrid extends HsElement {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {readonly Clip[]} */
  #clips = [];
  /** @type {readonly Camera[]} */
  #cameras = [];
  /** @type {ReadonlySet<string>} */
  #chosen = new Set();
  #complete = true;
  #now_ms = 0;
  /** @type {(clip: Clip) => CopyState|undefined} */
  #copyOf = () => undefined;
  #row_px = GUESSED_ROW_PX;
  #columns = 1;
  #due = false;
  #shown = "";

  list = h("ul", { class: "grid", "aria-label": text.clips.title });

  build() {
    this.append(this.list);
    this.list.addEventListener("change", (event) =>
      this.#choose(/** @type {HTMLInputElement} */ (event.target), event),
    );
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    addEventListener("scroll", () => this.#later(), { signal, passive: true });
    const observer = new ResizeObserver(() => {
      this.#row_px = GUESSED_ROW_PX;
      this.#later();
    });
    observer.observe(this);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /**
   * @param {readonly Clip[]} clips @param {ReadonlySet<string>} chosen
   * @param {{cameras: readonly Camera[], complete: boolean, now_ms: number,
   *   copyOf: (clip: Clip) => CopyState|undefined}} context
   */
  show(clips, chosen, { cameras, complete, now_ms, copyOf }) {
    [this.#clips, this.#chosen, this.#cameras, this.#complete, this.#now_ms, this.#copyOf] = [
      clips,
      chosen,
      cameras,
      complete,
      now_ms,
      copyOf,
    ];
    this.#arrange(true);
  }

  #later() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      if (this.isConnected) this.#arrange(false);
    });
  }

  /** @param {boolean} changed whether the clips changed; after mere scrolling most cards stay as they are */
  #arrange(changed) {
    if (this.#row_px === GUESSED_ROW_PX) this.#measure();
    const count = this.#clips.length;
    const { first, last, before_px, after_px } = windowOf({
      above_px: -this.getBoundingClientRect().top,
      height_px: innerHeight,
      row_px: this.#row_px,
      columns: this.#columns,
      count,
    });
    const shown = `${first} ${last} ${before_px} ${after_px}`;
    if (!changed && shown === this.#shown) return;
    this.#shown = shown;
    this.list.style.setProperty("padding-block", `${before_px}px ${after_px}px`);
    const wanted = this.#clips.slice(first, last);
    const spare = this.#takeOut(new Set(wanted.map(({ id }) => id)));
    let place = this.list.firstElementChild;
    wanted.forEach((clip, index) => {
      const known = this.#entries.get(clip.id);
      const entry = known ?? this.#add(clip.id, spare.pop());
      if (entry.item === place) place = place.nextElementSibling;
      else this.list.insertBefore(entry.item, place);
      if (changed || !known) this.#fill(entry, clip, first + index);
    });
    if (!this.#complete && last > count - 4 * this.#columns) this.emit("more");
  }

  /** @param {ReadonlySet<string>} ids to keep @returns {Entry[]} the removed entries */
  #takeOut(ids) {
    const spare = [];
    for (const [id, entry] of this.#entries) {
      // An entry with the keyboard focus stays, wherever it has scrolled to.
      if (ids.has(id) || entry.item.contains(document.activeElement)) continue;
      entry.item.remove();
      this.#entries.delete(id);
      spare.push(entry);
    }
    return spare;
  }

  /** All rows are alike: the first card gives their height, and the grid the number of columns. */
  #measure() {
    const item = this.list.firstElementChild;
    if (!item) return;
    const style = getComputedStyle(this.list);
    const height_px = item.getBoundingClientRect().height;
    if (height_px > 0) this.#row_px = height_px + (Number.parseFloat(style.rowGap) || 0);
    this.#columns = Math.max(1, style.gridTemplateColumns.split(" ").length);
  }

  /** @param {Entry} entry @param {Clip} clip @param {number} index */
  #fill({ item, card, box }, clip, index) {
    const notes = notesOn(this.#clips, this.#now_ms);
    card.show(clip, this.#cameras, this.#now_ms, this.#copyOf(clip), notes.get(clip.id));
    setAttribute(item, "aria-posinset", index + 1);
    setAttribute(item, "aria-setsize", this.#complete ? this.#clips.length : -1);
    setAttribute(box, "aria-label", text.gallery.choose(clipTitle(clip, this.#cameras)));
    box.checked = this.#chosen.has(clip.id);
    item.toggleAttribute("data-chosen", box.checked);
  }

  /** @param {string} id @param {Entry} [entry] to reuse */
  #add(id, entry = newEntry()) {
    entry.box.value = id;
    this.#entries.set(id, entry);
    return entry;
  }

  /** @param {HTMLInputElement} box @param {Event} event */
  #choose(box, event) {
    event.stopPropagation();
    this.emit("chosen", { id: box.value, on: box.checked });
  }
}

/** @returns {Entry} */
function newEntry() {
  const [card, box] = [new ClipCard(), h("input", { type: "checkbox", class: "card-choose" })];
  return { item: h("li", { class: "choosable" }, card, box), card, box };
}

customElements.define("hs-gallery-grid", GalleryGrid);
