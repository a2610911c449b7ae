/**
 * All texts, for the screens and dialogs that are fetched when a viewer opens them. The first screen has its own in
 * `messages.js`.
 */

import { en } from "./messages/later/en.js";
import { text as first, inLanguage } from "./messages.js";

export { LANGUAGES, language, locale, setLanguage } from "./messages.js";

/** @template A @template B @param {A} one @param {B} other @returns {A & B} joined section by section */
function joined(one, other) {
  const [known, more] = /** @type {Record<string, any>[]} */ ([one, other]);
  const parts = Object.entries(more).map(([name, part]) => [name, { ...known[name], ...part }]);
  return /** @type {A & B} */ ({ ...known, ...Object.fromEntries(parts) });
}

export const text = joined(first, inLanguage(en));
