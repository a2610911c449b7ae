/** The feed: published clips, newest first. The clip in view plays silently; opening one gives sound and controls. */

import { text } from "../all_messages.js";
import { HsElement } from "../components/element.js";
import { Failure } from "../components/failure.js";
import { FeedItem } from "../components/feed_item.js";
import { h, icon, skeleton, stylesheet } from "../dom.js";
import { publicationNotes } from "../gallery/order.js";
import { Latest } from "../latest.js";
import { refreshed } from "../store.js";

/** @import { Clip, Services, State } from "../types.js" */

/** Viewers who prefer reduced motion, or save data, start clips by hand. */
function mayPlay() {
  const saving = /** @type {any} */ (navigator).connection?.saveData === true;
  return !saving && !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

export class FeedScreen extends HsElement {
  #services;
  /** @type {Map<string, Clip>} */
  #clips = new Map();
  /** @type {Map<string, FeedItem>} */
  #items = new Map();
  /** @type {Map<FeedItem, number>} how much of each is in view */
  #seen = new Map();
  /** @type {string|null} */
  #cursor = null;
  #busy = false;
  #latest = new Latest();
  /** @type {"loading"|"ready"|"error"} */
  #status = "loading";
  /** @type {IntersectionObserver|null} */
  #observer = null;

  list = h("div", { class: "feed", role: "feed", "aria-label": text.screens.feed });
  end = h("div", { class: "feed-end" });
  skeleton = skeleton(2);
  empty = h(
    "div",
    { class: "state", hidden: true },
    icon("film"),
    h("h2", {}, text.feed.empty),
    h("p", {}, text.feed.emptyDetail),
  );
  failure = new Failure(() => this.#retry(), { title: h("h2", {}, text.clips.failed) });

  /** @param {Services} services */
  constructor(services) {
    super();
    this.#services = services;
    stylesheet("feed");
  }

  build() {
    this.append(
      h("h1", { class: "screen-title" }, text.screens.feed),
      this.failure,
      this.skeleton,
      this.list,
      this.empty,
      this.end,
    );
    this.addEventListener("like", (event) => this.#like(/** @type {CustomEvent} */ (event)));
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    this.#observer = new IntersectionObserver((entries) => this.#viewChanged(entries), {
      threshold: [0, 0.25, 0.5, 0.75, 1],
    });
    this.#observer.observe(this.end);
    for (const item of this.#items.values()) this.#observer.observe(item);
    this.#services.actions.watchClips((id, clip) => this.#clipChanged(id, clip), signal);
    document.addEventListener("visibilitychange", () => this.#choose(), { signal });
    signal.addEventListener("abort", () => {
      this.#observer?.disconnect();
      this.#seen.clear();
      this.#latest.end();
    });
    this.#load();
  }

  /** @param {State} state @param {number} now_ms */
  show(state, now_ms) {
    const clips = this.#sorted;
    for (const [id, item] of this.#items) {
      if (this.#clips.has(id)) continue;
      this.#observer?.unobserve(item);
      this.#seen.delete(item);
      item.remove();
      this.#items.delete(id);
    }
    const notes = publicationNotes(clips);
    let place = this.list.firstElementChild;
    for (const clip of clips) {
      const item = this.#items.get(clip.id) ?? this.#add(clip.id);
      if (item === place) place = place.nextElementSibling;
      else this.list.insertBefore(item, place);
      item.show(clip, state.cameras.items, now_ms, notes.get(clip.id));
    }
    this.skeleton.hidden = this.#status !== "loading";
    this.empty.hidden = this.#status !== "ready" || clips.length > 0;
    this.#choose();
  }

  get #sorted() {
    return [...this.#clips.values()].sort((a, b) => (b.feed_number ?? 0) - (a.feed_number ?? 0));
  }

  /** Loads the next page when the open clip is close to the end. @param {string} id */
  clipList(id) {
    const clips = this.#sorted;
    if (this.#cursor && clips.slice(-4).some((clip) => clip.id === id)) this.#load(this.#cursor);
    return clips;
  }

  /** @param {string} id */
  #add(id) {
    const item = new FeedItem(this.#services.api);
    item.setAttribute("role", "article");
    this.#items.set(id, item);
    this.#observer?.observe(item);
    item.liked(this.#services.api.liked(id).then(({ liked }) => liked));
    return item;
  }

  #paint() {
    if (this.isConnected) this.show(...this.#services.shown());
  }

  #retry() {
    this.#status = "loading";
    this.failure.show(null);
    this.#load();
    this.#paint();
  }

  /** @param {string|null} [cursor] */
  async #load(cursor = null) {
    if (this.#busy && cursor !== null) return;
    this.#busy = true;
    const signal = this.#latest.ask();
    try {
      const page = await this.#services.api.clips({ list: "feed", limit: 20, cursor, signal });
      if (signal.aborted) return;
      const items = refreshed([...this.#clips.values()], page.items);
      if (cursor === null) this.#clips.clear();
      for (const clip of items) this.#clips.set(clip.id, clip);
      [this.#cursor, this.#status] = [page.cursor, "ready"];
      this.failure.show(null);
    } catch (error) {
      if (signal.aborted) return;
      this.#failed(/** @type {Error} */ (error), cursor !== null);
    }
    this.#busy = false;
    this.#paint();
  }

  /** What is known stays; of it, only a viewer who wants more is told. @param {Error} error @param {boolean} more */
  #failed(error, more) {
    if (this.#clips.size === 0) {
      this.#status = "error";
      this.failure.show(error);
    } else if (more) this.#services.say(error.message, "bad");
  }

  /** @param {string|null} id @param {Clip|null} clip */
  #clipChanged(id, clip) {
    if (id === null) return void this.#load();
    if (clip?.status === "published") this.#clips.set(id, clip);
    else this.#clips.delete(id);
    this.#paint();
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #viewChanged(entries) {
    for (const { target, intersectionRatio, isIntersecting } of entries) {
      if (target === this.end) {
        if (isIntersecting && this.#cursor) this.#load(this.#cursor);
      } else {
        const item = /** @type {FeedItem} */ (target);
        if (!isIntersecting) item.rest();
        this.#seen.set(item, isIntersecting ? intersectionRatio : 0);
      }
    }
    this.#choose();
  }

  /** Plays the clip most in view, and none while a clip is open over the feed. */
  #choose() {
    const open = document.hidden || this.#services.store.state.openId !== null || !mayPlay();
    const [best] = [...this.#seen].filter(([, share]) => share >= 0.5).sort(([, a], [, b]) => b - a);
    for (const item of this.#items.values()) {
      if (!open && item === best?.[0]) item.play();
      else item.pause();
    }
  }

  /** @param {CustomEvent} event */
  async #like(event) {
    event.stopPropagation();
    const { id, on } = event.detail;
    const answer = this.#services.api.like(id, on);
    this.#items.get(id)?.liked(answer.then(() => on));
    try {
      this.#services.actions.clipChanged(await answer);
    } catch (error) {
      this.#services.say(/** @type {Error} */ (error).message, "bad");
    }
  }
}

customElements.define("hs-feed-screen", FeedScreen);
