/** What signs a browser in, as it is typed or pasted: a one-time code, a link with one, or the access key. */

/** @import { Credential } from "./types.js" */

const CODE_LETTERS = 8;
/** Shorter keys are refused by the daemon; those that it makes have 43 characters. */
const KEY_CHARACTERS = 16;

/**
 * @param {string} words a code with or without hyphen, a key, or a whole link
 * @returns {Credential|null} null: none of these
 */
export function readCredential(words) {
  const [, kind, behind] = /#(code|key)=(.*)$/.exec(words.trim()) ?? [];
  const value = (behind ?? words).trim();
  if (kind === "code") return value ? { code: value } : null;
  const letters = lettersOf(value);
  if (!kind && /^[0-9a-z]{8}$/i.test(letters)) return { code: letters };
  return value.length < KEY_CHARACTERS ? null : { key: value };
}

/** Whether these words, or their beginning, can only be a key. @param {string} words */
export function isBeyondCode(words) {
  return lettersOf(words).length > CODE_LETTERS && !words.includes("#code=");
}

/** Without spaces and hyphens of any kind. @param {string} words */
function lettersOf(words) {
  return words.replace(/[\s\u2010-\u2015-]/g, "");
}
