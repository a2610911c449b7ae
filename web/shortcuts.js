/** Single-key shortcuts. They can be switched off, and never fire while the user types. */

const SETTING = "hindsight.shortcuts";

/** @returns {boolean} */
export function shortcutsEnabled() {
  return localStorage.getItem(SETTING) !== "off";
}

/** @param {boolean} enabled */
export function setShortcutsEnabled(enabled) {
  localStorage.setItem(SETTING, enabled ? "on" : "off");
}

/**
 * @param {KeyboardEvent} event
 * @param {string} typing a selector: elements that handle keys themselves
 * @returns {string|null} the key, when it is meant as a shortcut
 */
function shortcutKey(event, typing) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
  if (event.repeat && !/^([,.]|Arrow.*)$/.test(event.key)) return null;
  const target = /** @type {Element|null} */ (event.target);
  if (target?.closest?.(`input, textarea, select, [contenteditable], ${typing}`)) return null;
  // Space and Enter press the focused link or button.
  if (/^( |Enter)$/.test(event.key) && target?.closest?.("a, button, summary")) return null;
  return event.key.toLowerCase();
}

/**
 * @param {Record<string, (key: string) => unknown>} actions by key; `digit` for 1 to 9; false: the key was not used
 * @param {AbortSignal} signal
 * @param {HTMLDialogElement} [dialog] whose keys they are; else the page's, while no dialog is open
 */
export function bindShortcuts(actions, signal, dialog) {
  addEventListener(
    "keydown",
    (event) => {
      const key = shortcutsEnabled() ? shortcutKey(event, dialog ? "dialog.confirm" : "video, dialog") : null;
      if (!key || [...document.querySelectorAll("dialog[open]")].at(-1) !== dialog) return;
      const action = /^[1-9]$/.test(key) ? actions.digit : actions[key];
      if (!action) return;
      if (action(key) !== false) event.preventDefault();
    },
    { signal },
  );
}
