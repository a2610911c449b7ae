/**
 * The language in use: the one chosen on this device, else the browser's own, else English. A message that a language
 * lacks is shown in English. The texts of the first screen; `all_messages.js` has those of the others as well.
 */

import { en } from "./messages/en.js";

const SETTING = "hindsight.language";

/** By tag, each in its own language. */
export const LANGUAGES = Object.freeze({ en: "English", de: "Deutsch" });

/** @returns {"en"|"de"} */
function wanted() {
  const tags = [localStorage.getItem(SETTING), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return /** @type {"en"|"de"} */ (tags.find((tag) => tag !== null && Object.hasOwn(LANGUAGES, tag)) ?? "en");
}

/** @param {string} tag of LANGUAGES; applies from the next load of the page */
export function setLanguage(tag) {
  localStorage.setItem(SETTING, tag);
}

/** @template T @param {T} whole @param {any} part @returns {T} */
function filled(whole, part) {
  const entries = Object.entries(/** @type {any} */ (whole)).map(([name, value]) => [
    name,
    typeof value === "object" ? filled(value, part?.[name]) : (part?.[name] ?? value),
  ]);
  return /** @type {T} */ (Object.fromEntries(entries));
}

/** What this language says in place of English; null: nothing. */
let translation = /** @type {object|null} */ (null);

/** @template T @param {T} english @returns {T} in the language in use */
export const inLanguage = (english) => (translation ? filled(english, translation) : english);

async function load() {
  try {
    translation = (await import("./messages/de.js")).de;
    text = inLanguage(en);
  } catch {
    // English is better than no page.
  }
}

export const language = wanted();
/** For `Intl`: the page's language, as its viewer writes numbers and times. */
export const locale = navigator.languages.find((tag) => tag.startsWith(language)) ?? language;
export let text = en;
/** Resolves when `text` is in this language. Not awaited here: see start.js. */
export const ready = language === "en" ? Promise.resolve() : load();
