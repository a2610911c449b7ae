/**
 * The end of a session. The page is loaded again, so that nothing of before is left in it: no picture, no clip, no
 * video, in the document or in memory. The next load says why.
 */

import { text } from "./messages.js";

const REASON = "hindsight.left";
let leaving = false;
let own = false;

/** The viewer signs out, or could not. The server ends the live picture first, which looks like an end by others. */
export function signingOut(/** @type {boolean} */ now) {
  own = now;
}

/** Because the session is over: by the viewer, the server or another device. */
export function leave() {
  if (leaving) return;
  leaving = true;
  sessionStorage.setItem(REASON, own ? "done" : "ended");
  if (own) history.replaceState(null, "", "./");
  location.reload();
}

/** @returns {string|null} why the page was left before, once */
export function whyLeft() {
  const reason = sessionStorage.getItem(REASON);
  sessionStorage.removeItem(REASON);
  return reason === "ended" || reason === "done" ? text.signIn[reason] : null;
}
