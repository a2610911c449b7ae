/** Closing of dialogs: by their backdrop, and how their elements learn of it. */

/**
 * Closes a dialog when its backdrop (and not something inside it) is pressed and released.
 * @param {HTMLDialogElement} dialog
 * @param {AbortSignal} signal
 */
export function closeOnBackdrop(dialog, signal) {
  let pressed = false;
  dialog.addEventListener(
    "pointerdown",
    (event) => {
      pressed = event.target === dialog;
    },
    { signal },
  );
  dialog.addEventListener(
    "click",
    (event) => {
      if (pressed && event.target === dialog) dialog.close();
    },
    { signal },
  );
}

/**
 * Calls `closed` when a dialog has closed. The browser's event comes later, when the dialog may be open again, for
 * another clip or another question; then it says nothing about the present one.
 * @param {HTMLDialogElement} dialog
 * @param {() => void} closed
 * @param {AbortSignal} signal
 */
export function whenClosed(dialog, closed, signal) {
  dialog.addEventListener(
    "close",
    () => {
      if (!dialog.open) closed();
    },
    { signal },
  );
}
