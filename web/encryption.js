/** Whether the page came over a network in plain text, where others can read along, and the mark that says so. */

import { h, icon } from "./dom.js";
import { text } from "./messages.js";

/** Whether an address with this host leads every machine to itself. @param {string} hostname */
export function isLoopback(hostname) {
  const name = hostname.replace(/\.$/, "");
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || /^127(\.\d+){3}$/.test(name);
}

/** @param {{protocol: string, hostname: string}} address */
export function isReadableOnTheWay({ protocol, hostname }) {
  return protocol === "http:" && !isLoopback(hostname);
}

/** For the header. It leads to the words in Settings; null where nobody can read along. */
export function encryptionMark() {
  if (!isReadableOnTheWay(location)) return null;
  const { mark } = text.encryption;
  return h("a", { class: "encryption-mark", href: "#/settings", "aria-label": mark, title: mark }, icon("unlocked"));
}
