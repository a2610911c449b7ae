/** The navigation between screens: links, which also open in a new tab. */

import { h, icon, setAttribute } from "../dom.js";
import { text } from "../messages.js";
import { routeHref } from "../router.js";
import { HsElement } from "./element.js";

/** @type {ReadonlyArray<["live"|"clips"|"feed"|"insights"|"schedules"|"settings", string]>} screen and symbol */
const SCREENS = [
  ["live", "still"],
  ["clips", "film"],
  ["feed", "heart"],
  ["insights", "chart"],
  ["schedules", "clock"],
  ["settings", "gear"],
];

export class Navigation extends HsElement {
  links = SCREENS.map(([screen, symbol]) => {
    const link = h(
      "a",
      { class: "nav-link", href: routeHref({ screen }) },
      icon(symbol),
      h("span", {}, text.screens[screen]),
    );
    return { screen, link };
  });
  dot = h("span", {
    class: "nav-dot",
    role: "img",
    "aria-label": text.insights.warnings,
    title: text.insights.warnings,
    hidden: true,
  });
  list = h(
    "nav",
    { class: "nav", "aria-label": text.screens.label, hidden: SCREENS.length < 2 },
    ...this.links.map(({ link }) => link),
  );

  build() {
    this.append(this.list);
    this.links.find(({ screen }) => screen === "insights")?.link.append(this.dot);
  }

  /** @param {boolean} shown whether something needs attention; the Insights screen says what */
  showWarning(shown) {
    this.dot.hidden = !shown;
  }

  /** @param {string} screen the current one */
  show(screen) {
    for (const { screen: name, link } of this.links)
      setAttribute(link, "aria-current", name === screen ? "page" : null);
  }
}

customElements.define("hs-navigation", Navigation);
