/** The gallery: all clips and drafts, with filters and with actions for many at once. */

import { text } from "../all_messages.js";
import { HsElement } from "../components/element.js";
import { Failure } from "../components/failure.js";
import { GalleryBar, MOST_CHOSEN } from "../components/gallery_bar.js";
import { GalleryFilters } from "../components/gallery_filters.js";
import { GalleryGrid } from "../components/gallery_grid.js";
import { h, icon, setAttribute, setText, skeleton, stylesheet } from "../dom.js";
import { clipsAsKnown } from "../freshness.js";
import { batch } from "../gallery/batch.js";
import { filterOf, matches, withChange } from "../gallery/list.js";
import { Latest } from "../latest.js";
import { updateQuery } from "../router.js";
import { copyOf, mergeClips, refreshed } from "../store.js";
/** @import { Clip, Services, State } from "../types.js" */

export class ClipsScreen extends HsElement {
  #services;
  #filterKey = "";
  /** @type {readonly Clip[]} */
  #items = [];
  /** @type {string|null} */
  #cursor = null;
  /** @type {"loading"|"ready"|"error"} */
  #status = "loading";
  #latest = new Latest();
  /** Of the question that the items answer: more pages of it are wanted until the next one. */
  #page = this.#latest.ask();
  #loadingMore = false;
  /** @type {Set<string>} */
  #chosen = new Set();
  #busy = false;

  filters = new GalleryFilters();
  grid = new GalleryGrid();
  bar = new GalleryBar();
  count = h("span", { class: "count" });
  skeleton = skeleton(8);
  failure = new Failure(() => this.#retry(), { title: h("h2", {}, text.clips.failed) });
  emptyTitle = h("h2");
  emptyWords = h("p");
  empty = h("div", { class: "state", hidden: true }, icon("film"), this.emptyTitle, this.emptyWords);

  /** @param {Services} services */
  constructor(services) {
    super();
    this.#services = services;
    stylesheet("gallery");
  }

  build() {
    this.append(
      h("h1", { class: "screen-title" }, text.clips.title, this.count),
      this.filters,
      this.failure,
      h("h2", { class: "unseen" }, text.gallery.found),
      this.skeleton,
      this.grid,
      this.empty,
      this.bar,
    );
    const handlers = /** @type {Record<string, (detail: any) => void>} */ ({
      filter: (changes) => updateQuery(changes, { replace: "q" in changes }),
      more: () => this.#more(),
      chosen: ({ id, on }) => this.#choose([id], on),
      "choose-all": () =>
        this.#choose(
          this.#items.map(({ id }) => id),
          true,
        ),
      "choose-none": () => this.#choose([...this.#chosen], false),
      batch: ({ action }) => this.#batch(action),
    });
    for (const [name, handle] of Object.entries(handlers)) {
      this.addEventListener(name, (event) => {
        event.stopPropagation();
        handle(/** @type {CustomEvent} */ (event).detail);
      });
    }
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    this.#filterKey = "";
    this.#services.actions.watchClips((id, clip) => this.#clipChanged(id, clip), signal);
    signal.addEventListener("abort", () => this.#latest.end());
  }

  /** @param {State} state @param {number} now_ms */
  show(state, now_ms) {
    this.filters.show(state.query, state.cameras.items);
    const filterKey = JSON.stringify(filterOf(state.query));
    if (filterKey !== this.#filterKey) this.#filterBy(filterKey);
    this.failure.hidden = this.#status !== "error";
    this.skeleton.hidden = this.#status !== "loading" || this.#items.length > 0;
    this.empty.hidden = this.#status !== "ready" || this.#items.length > 0;
    setText(this.emptyTitle, filterKey === "{}" ? text.clips.empty : text.gallery.none);
    setText(this.emptyWords, filterKey === "{}" ? text.clips.emptyDetail : text.gallery.noneDetail);
    setAttribute(this.grid, "aria-busy", this.#status === "loading" || null);
    setText(
      this.count,
      this.#items.length && this.#status !== "loading"
        ? text.clips.count(this.#items.length, this.#cursor !== null)
        : "",
    );
    this.grid.hidden = this.#items.length === 0;
    this.grid.show(clipsAsKnown(state, this.#items), this.#chosen, {
      cameras: state.cameras.items,
      complete: this.#cursor === null,
      now_ms,
      copyOf: (clip) => copyOf(state, clip),
    });
    this.bar.show(
      this.#items.filter(({ id }) => this.#chosen.has(id)),
      this.#busy,
    );
  }

  /** Loads the next page when the open clip is close to the end. @param {string} id */
  clipList(id) {
    if (this.#items.slice(-4).some((clip) => clip.id === id)) this.#more();
    return this.#items;
  }

  get #filter() {
    return JSON.parse(this.#filterKey);
  }

  #paint() {
    if (this.isConnected) this.show(...this.#services.shown());
  }

  #retry() {
    this.#load();
    this.#paint();
  }

  /**
   * What certainly is not meant leaves at once; the rest stays, marked as busy, until the server has answered.
   * @param {string} filterKey
   */
  #filterBy(filterKey) {
    this.#filterKey = filterKey;
    this.#items = this.#items.filter((clip) => matches(clip, this.#filter) !== false);
    this.#chosen = new Set(this.#items.map(({ id }) => id).filter((id) => this.#chosen.has(id)));
    [this.#cursor, this.#status] = [null, "loading"];
    this.#load();
  }

  async #load() {
    const signal = this.#latest.ask();
    this.#page = signal;
    if (this.#items.length === 0) this.#status = "loading";
    try {
      const { items, cursor } = await this.#services.api.clips({ filter: this.#filter, signal });
      if (signal.aborted) return;
      [this.#items, this.#cursor, this.#status] = [refreshed(this.#items, items), cursor, "ready"];
    } catch (error) {
      if (signal.aborted) return;
      [this.#items, this.#cursor, this.#status] = [[], null, "error"];
      this.failure.show(error);
    }
    this.#paint();
  }

  async #more() {
    if (this.#loadingMore || this.#cursor === null || this.#status !== "ready") return;
    this.#loadingMore = true;
    const signal = this.#page;
    try {
      const page = await this.#services.api.clips({ filter: this.#filter, cursor: this.#cursor, limit: 120, signal });
      if (!signal.aborted) [this.#items, this.#cursor] = [mergeClips(this.#items, page.items), page.cursor];
    } catch (error) {
      if (!signal.aborted) this.#services.say(/** @type {Error} */ (error).message, "bad");
    } finally {
      this.#loadingMore = false;
    }
    this.#paint();
  }

  /** @param {string|null} id null: everything may have changed @param {Clip|null} clip null: it is gone */
  #clipChanged(id, clip) {
    if (id === null) return void this.#load();
    if (clip) this.#items = withChange(this.#items, clip, this.#filter, this.#cursor === null);
    else this.#items = this.#items.filter((item) => item.id !== id);
    if (!clip) this.#chosen.delete(id);
    this.#paint();
  }

  /** @param {readonly string[]} ids @param {boolean} on */
  #choose(ids, on) {
    for (const id of ids) {
      if (!on) this.#chosen.delete(id);
      else if (this.#chosen.size < MOST_CHOSEN) this.#chosen.add(id);
    }
    this.#paint();
  }

  /** @param {string} action */
  async #batch(action) {
    this.#busy = true;
    this.#paint();
    // Only what is shown: the bar counts nothing else.
    const ids = this.#items.map(({ id }) => id).filter((id) => this.#chosen.has(id));
    const left = await batch(this.#services, action, ids);
    this.#busy = false;
    this.#chosen = new Set(left);
    this.#paint();
  }
}

customElements.define("hs-clips-screen", ClipsScreen);
