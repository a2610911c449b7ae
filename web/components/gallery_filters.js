/** The filters of the gallery: words, camera, kind, day. The address holds them. Event: `filter` {name: value}. */

import { text } from "../all_messages.js";
import { h } from "../dom.js";
import { SHOWN } from "../gallery/list.js";
import { HsElement } from "./element.js";

/** @import { Camera } from "../types.js" */

const TYPING_MS = 250;

export class GalleryFilters extends HsElement {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #typing;
  #cameras = "";

  words = h("input", {
    type: "search",
    id: "filter-q",
    maxlength: 200,
    placeholder: text.gallery.search,
    "aria-label": text.gallery.search,
    on: { input: () => this.#typed() },
  });
  shown = h(
    "select",
    {
      id: "filter-show",
      "aria-label": text.gallery.show,
      on: { change: () => this.emit("filter", { show: this.shown.value }) },
    },
    option("", text.gallery.all),
    ...Object.keys(SHOWN).map((name) => option(name, text.gallery.shown[/** @type {"drafts"} */ (name)])),
  );
  camera = h("select", {
    id: "filter-camera",
    "aria-label": text.clip.camera,
    on: { change: () => this.emit("filter", { camera: this.camera.value }) },
  });
  day = h("input", {
    type: "date",
    id: "filter-day",
    on: { change: () => this.emit("filter", { day: this.day.value }) },
  });
  dated = h("label", { class: "filter-day" }, text.gallery.day, this.day);
  clear = h(
    "button",
    {
      type: "button",
      class: "button",
      on: { click: () => this.emit("filter", { q: "", show: "", camera: "", day: "" }) },
    },
    text.gallery.clear,
  );

  build() {
    this.setAttribute("role", "search");
    this.append(this.words, this.shown, this.camera, this.dated, this.clear);
  }

  /** @param {URLSearchParams} query @param {readonly Camera[]} cameras */
  show(query, cameras) {
    const names = cameras.map(({ id, name }) => `${id} ${name}`).join("\n");
    if (names !== this.#cameras) {
      this.#cameras = names;
      this.camera.replaceChildren(
        option("", text.gallery.everyCamera),
        ...cameras.map(({ id, name }) => option(id, name || id)),
      );
    }
    this.camera.hidden = cameras.length < 2 && !query.get("camera");
    // The address lags behind the typing, so it does not overwrite the field.
    if (document.activeElement !== this.words) this.words.value = query.get("q") ?? "";
    this.shown.value = query.get("show") ?? "";
    this.camera.value = query.get("camera") ?? "";
    this.day.value = query.get("day") ?? "";
    this.clear.hidden = !["q", "show", "camera", "day"].some((name) => query.get(name));
  }

  #typed() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.emit("filter", { q: this.words.value.trim() }), TYPING_MS);
  }
}

/** @param {string} value @param {string} words */
function option(value, words) {
  return h("option", { value }, words);
}

customElements.define("hs-gallery-filters", GalleryFilters);
