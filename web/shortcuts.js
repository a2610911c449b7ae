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
 * @returns {string|null} the key, when it is meant as a shortcut
 */
export function shortcutKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return null;
  const target = /** @type {Element|null} */ (event.target);
  if (target?.closest?.("input, textarea, select, video, dialog, [contenteditable]")) return null;
  return event.key.toLowerCase();
}

/**
 * @param {Record<string, (key: string) => void>} actions by key; `digit` for 1 to 9
 * @param {AbortSignal} signal
 */
export function bindShortcuts(actions, signal) {
  addEventListener("keydown", (event) => {
    const key = shortcutsEnabled() ? shortcutKey(event) : null;
    if (!key || document.querySelector("dialog[open]")) return;
    const action = /^[1-9]$/.test(key) ? actions.digit : actions[key];
    if (!action) return;
    event.preventDefault();
    action(key);
  }, { signal });
}
