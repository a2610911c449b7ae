/**
 * The page's entry: the language comes first, because modules read their words while they are evaluated. No module may
 * wait at its top level instead: below one that does, WebKit hands out half-evaluated modules when imports overlap.
 */

import { showOnly } from "./dom.js";
import { ready, text } from "./messages.js";
import { inTime } from "./patience.js";

// A page that comes later takes the place of the words.
ready.then(() => inTime(import("./app.js"))).catch(() => showOnly(text.screens.failed));
