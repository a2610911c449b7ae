/** Builds DOM without markup strings: foreign data ends up as text, never as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes] `class`, `on` ({event: listener}), boolean, or plain attributes
 * @param {...(Node|string|null|undefined)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    } else {
      setAttribute(element, name, value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Writes only a changed value, so that assistive technology does not announce it twice.
 * @param {Element} element
 * @param {string} name
 * @param {string|number|boolean|null|undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === false || value === null || value === undefined) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const string = value === true ? "" : String(value);
  if (element.getAttribute(name) !== string) element.setAttribute(name, string);
}

/**
 * @param {Element} element
 * @param {string} value
 */
export function setText(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Shapes in place of what is on its way. @param {number} [count] */
export function skeleton(count = 4) {
  const shapes = Array.from({ length: count }, () => h("div", { class: "skeleton" }));
  return h("div", { class: "grid", "aria-hidden": "true" }, ...shapes);
}

/** Words in place of the page, of which a part did not come that it cannot be without. @param {string} words */
export function showOnly(words) {
  document.getElementById("root")?.replaceChildren(h("p", { class: "notice-page", role: "alert" }, words));
}

/**
 * @param {string} name a symbol of index.html, without `icon-`
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Fetches a style sheet that the first screen does not need, once.
 * @param {string} name a file of styles/, without `.css`
 */
export function stylesheet(name) {
  const href = new URL(`./styles/${name}.css`, import.meta.url).pathname;
  if (!document.querySelector(`link[href="${href}"]`)) document.head.append(h("link", { rel: "stylesheet", href }));
}
