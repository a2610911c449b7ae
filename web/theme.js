/** The colour theme: light, dark, or the system's. Remembered on this device. */

const SETTING = "hindsight.theme";
export const THEMES = /** @type {const} */ (["system", "light", "dark"]);

export function theme() {
  const kept = localStorage.getItem(SETTING);
  return THEMES.find((name) => name === kept) ?? "system";
}

/** @param {string} name one of THEMES */
export function setTheme(name) {
  localStorage.setItem(SETTING, name);
  applyTheme();
}

export function applyTheme() {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
