/** All clips, newest first, with the empty, loading and error states. Events: `reload-clips`, `more-clips`. */

import { h, icon, setText, skeleton } from "../dom.js";
import { text } from "../messages.js";
import { copyOf } from "../store.js";
import { ClipCard } from "./clip_card.js";
import { HsElement } from "./element.js";
import { Failure } from "./failure.js";
/** @import { State } from "../types.js" */

export class ClipGrid extends HsElement {
  /** @type {Map<string, {item: HTMLLIElement, card: ClipCard}>} */
  #cards = new Map();
  /** @type {typeof import("../gallery/order.js")|undefined} imported, since the cards come first */
  #order;

  count = h("span", { class: "count" });
  list = h("ul", { class: "grid", "aria-labelledby": "clips-heading" });
  skeleton = skeleton();
  empty = h("div", { class: "state" }, icon("film"), h("h3", {}, text.clips.empty), h("p", {}, text.clips.emptyDetail));
  failure = new Failure(() => this.emit("reload-clips"), { title: h("h3", {}, text.clips.failed) });
  more = h(
    "button",
    { type: "button", class: "button more", on: { click: () => this.emit("more-clips") } },
    text.clips.more,
  );

  build() {
    this.append(
      h("h2", { id: "clips-heading" }, text.clips.title, this.count),
      this.failure,
      this.skeleton,
      this.list,
      this.empty,
      this.more,
    );
    import("../gallery/order.js").then(
      (order) => {
        this.#order = order;
      },
      () => undefined,
    );
  }

  /** @param {State} state @param {number} now_ms on the server's clock */
  show(state, now_ms) {
    const { items, status, error, cursor, loadingMore } = state.clips;
    this.failure.show(status === "error" ? error : null);
    this.skeleton.hidden = status !== "loading" || items.length > 0;
    this.empty.hidden = status !== "ready" || items.length > 0;
    this.list.hidden = items.length === 0;
    this.more.hidden = !cursor;
    this.more.disabled = loadingMore;
    setText(this.more, loadingMore ? text.clips.loadingMore : text.clips.more);
    setText(this.count, items.length ? text.clips.count(items.length, Boolean(cursor)) : "");
    this.#arrange(state, now_ms);
  }

  /**
   * Moves and fills cards in place, so that focus and loaded pictures stay.
   * @param {State} state
   * @param {number} now_ms
   */
  #arrange(state, now_ms) {
    const list = this.list;
    const wanted = new Set(state.clips.items.map((clip) => clip.id));
    for (const [id, { item }] of this.#cards) {
      if (wanted.has(id)) continue;
      item.remove();
      this.#cards.delete(id);
    }
    const notes = this.#order?.notesOn(state.clips.items, now_ms);
    let place = list.firstElementChild;
    for (const clip of state.clips.items) {
      const entry = this.#cards.get(clip.id) ?? this.#add(clip.id);
      if (entry.item === place) place = place.nextElementSibling;
      else list.insertBefore(entry.item, place);
      entry.card.show(clip, state.cameras.items, now_ms, copyOf(state, clip), notes?.get(clip.id));
    }
  }

  /** @param {string} id */
  #add(id) {
    const card = new ClipCard();
    const entry = { item: h("li", {}, card), card };
    this.#cards.set(id, entry);
    return entry;
  }
}

customElements.define("hs-clip-grid", ClipGrid);
