/** Single keys for what is done often. They can be switched off, and never fire while somebody types. */

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
 * @param {string} typing a selector: what keys belong to themselves
 * @returns {string|null} the key, when it is meant as a shortcut
 */
export function shortcutKey(event, typing) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
  if (event.repeat && !/^([,.]|Arrow.*)$/.test(event.key)) return null;
  const target = /** @type {Element|null} */ (event.target);
  if (target?.closest?.(`input, textarea, select, [contenteditable], ${typing}`)) return null;
  // Whoever reached a link or a button by Tab means that one.
  if (/^( |Enter)$/.test(event.key) && target?.closest?.("a, button, summary")) return null;
  return event.key.toLowerCase();
}

/**
 * @param {Record<string, (key: string) => unknown>} actions by key; `digit` for 1 to 9; false: the key was not for it
 * @param {AbortSignal} signal
 * @param {HTMLDialogElement} [dialog] the keys are its own; else those of the page, while no dialog is open
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
