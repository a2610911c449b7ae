/** The single-key shortcuts of the page; those of an open clip are in `clip/keys.js`. */

import { updateQuery } from "./router.js";
import { bindShortcuts } from "./shortcuts.js";

/**
 * @param {{live: import("./screens/live.js").LiveScreen, actions: import("./actions.js").Actions,
 *   store: import("./store.js").Store, help: () => void}} page
 * @param {AbortSignal} signal
 */
export function bindPageKeys({ live, actions, store, help }, signal) {
  bindShortcuts(
    {
      r: () => live.single && live.panel.press(),
      s: () => live.single && actions.snapshot(),
      f: () => live.single && live.live.toggleFullScreen(),
      arrowleft: () => live.single && live.rewind?.step(-1),
      arrowright: () => live.single && live.rewind?.step(1),
      i: () => live.rewind?.markHere("start"),
      o: () => live.rewind?.markHere("end"),
      " ": () => (live.rewind?.looking ? live.rewind.togglePlay() : false),
      enter: () => (live.rewind?.looking ? live.rewind.keep() : false),
      escape: () => (live.rewind?.looking ? live.rewind.leave() : false),
      "?": () => help(),
      digit: (key) => {
        const camera = store.state.cameras.items[Number(key) - 1];
        if (camera) updateQuery({ camera: camera.id, grid: null });
      },
    },
    signal,
  );
}
