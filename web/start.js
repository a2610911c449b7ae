/**
 * The page's entry: the language comes first, because modules read their words while they are evaluated. No module may
 * wait at its top level instead: below one that does, WebKit hands out half-evaluated modules when imports overlap.
 */

import { ready } from "./messages.js";

ready.then(() => import("./app.js"));
