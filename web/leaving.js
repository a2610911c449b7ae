/**
 * The end of a session. The page is loaded again, so that nothing of before is left in it: no picture, no clip, no
 * video, in the document or in memory. The next load says why.
 */

import { text } from "./messages.js";

const REASON = "hindsight.left";
let leaving = false;

/** @param {"ended"|"done"} reason by the server or another device, or by the viewer */
export function leave(reason) {
  if (leaving) return;
  leaving = true;
  sessionStorage.setItem(REASON, reason);
  if (reason === "done") history.replaceState(null, "", "/");
  location.reload();
}

/** @returns {string|null} why the page was left before, once */
export function whyLeft() {
  const reason = sessionStorage.getItem(REASON);
  sessionStorage.removeItem(REASON);
  return reason === "ended" || reason === "done" ? text.signIn[reason] : null;
}
