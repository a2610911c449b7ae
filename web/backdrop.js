/** Closing a dialog by its backdrop. */

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
