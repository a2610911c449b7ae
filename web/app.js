/** Puts the page together: the only file that knows all the others. Wishes come in here, state goes out from here. */

import { Actions } from "./actions.js";
import { Api } from "./api.js";
import { BufferMeter } from "./components/buffer_meter.js";
import { CameraTabs } from "./components/camera_tabs.js";
import { ClipDialog } from "./components/clip_dialog.js";
import { ClipGrid } from "./components/clip_grid.js";
import { ConfirmDialog } from "./components/confirm_dialog.js";
import { HelpDialog } from "./components/help_dialog.js";
import { LiveView } from "./components/live_view.js";
import { RecordPanel } from "./components/record_panel.js";
import { Recordings } from "./components/recordings.js";
import { SignIn } from "./components/sign_in.js";
import { Toasts } from "./components/toasts.js";
import { h, icon, setAttribute, setText } from "./dom.js";
import { EventLink } from "./events.js";
import { text } from "./messages.js";
import { chooseCamera, leaveClip, takeKey, watchRoute } from "./router.js";
import { ServerClock } from "./server_clock.js";
import { bindShortcuts } from "./shortcuts.js";
import { Store, currentCamera, runningClips } from "./store.js";
/** @import { Camera, State } from "./types.js" */

const REFRESH_CAMERAS_MS = 15_000;

const page = new AbortController();
const clock = new ServerClock();
const store = new Store();
const toasts = new Toasts();
const confirmation = new ConfirmDialog();
const help = new HelpDialog();
const live = new LiveView();
const tabs = new CameraTabs();
const meter = new BufferMeter();
const panel = new RecordPanel();
const recordings = new Recordings();
const grid = new ClipGrid();
const dialog = new ClipDialog();
const signIn = new SignIn();

const api = new Api({ clock, onUnauthorised: () => store.update({ session: "needed" }) });
const actions = new Actions({
  store, api, clock,
  say: (words, tone) => toasts.say(words, tone),
  labelOnScreen: () => live.labelOnScreen,
  confirm: (words) => confirmation.ask(words),
});

live.clock = clock;
dialog.player.api = api;

const cameraName = h("h1", { class: "camera-name" });
const cameraState = h("span", { class: "state-pill" });
const banner = h("p", { class: "banner", role: "status", hidden: true });
const noCameraTitle = h("h2");
const noCameraWords = h("p");
const noCamera = h("div", { class: "state stage-state", hidden: true }, icon("still"), noCameraTitle, noCameraWords,
  h("button", { type: "button", class: "button", on: { click: () => actions.reload() } }, icon("retry"), text.clips.retry));
const stage = h("section", { class: "stage", "aria-label": text.camera.live },
  h("div", { class: "stage-picture" }, live),
  h("div", { class: "panel" },
    h("div", { class: "panel-head" }, cameraName, cameraState), meter, panel, recordings));
const helpButton = h("button", {
  type: "button", class: "icon-button", "aria-label": text.help.open, title: text.help.open, on: { click: () => help.open() },
}, icon("keys"));
const header = h("header", { class: "top" }, h("a", { class: "brand", href: "#/" }, icon("mark"), text.app.name), tabs, helpButton);
const main = h("main", { id: "main", tabindex: "-1" }, noCamera, stage, grid);

/** @param {State} state */
function paintShell(state) {
  const root = /** @type {HTMLElement} */ (document.getElementById("root"));
  const wanted = state.session === "needed" ? [signIn] : state.session === "ok" ? [banner, header, main, dialog] : [];
  if (root.firstElementChild !== (wanted[0] ?? null)) root.replaceChildren(...wanted);
  setAttribute(signIn, "error", state.sessionError);
  banner.hidden = state.link !== "lost" && navigator.onLine;
  setText(banner, banner.hidden ? "" : navigator.onLine ? text.link.lost : text.link.offline);
}

/** @param {State} state */
function paintStage(state) {
  const camera = currentCamera(state);
  const { status, error } = state.cameras;
  stage.hidden = camera === null && status !== "loading";
  noCamera.hidden = camera !== null || status === "loading";
  setText(noCameraTitle, status === "error" ? text.camera.failed : text.camera.none);
  setText(noCameraWords, status === "error" ? error ?? "" : text.camera.noneDetail);
  tabs.show(state.cameras.items, camera?.id ?? null);
  setText(cameraName, camera?.name || camera?.id || text.camera.loading);
  setText(cameraState, camera ? text.camera[camera.state] : "");
  setAttribute(cameraState, "data-state", camera?.state);
  live.camera = camera;
  paintRunning(state);
}

/** What moves with the clock, too. @param {State} state */
function paintRunning(state) {
  const camera = currentCamera(state);
  const now_ms = clock.now_ms();
  const running = camera ? runningClips(state, camera.id) : [];
  const capacity = camera?.buffer.capacity_seconds ?? 60;
  const seconds = camera ? bufferedSeconds(camera, now_ms) : 0;
  setAttribute(meter, "capacity", capacity);
  setAttribute(meter, "seconds", seconds.toFixed(1));
  panel.show({
    ready: seconds > 0 && state.link !== "lost", asking: state.pending.record, snapping: state.pending.snapshot,
    running, stopping: state.pending.ids, lengths: state.lengths, capacity, now_ms,
  });
  recordings.show(running, state.pending.ids, now_ms);
}

/** A live buffer fills by itself between two words from the server. @param {Camera} camera @param {number} now_ms */
function bufferedSeconds({ buffer, state, received_ms = 0 }, now_ms) {
  const since = state === "live" ? Math.max(0, (now_ms - received_ms) / 1000) : 0;
  return Math.min(buffer.capacity_seconds ?? 60, buffer.duration_seconds + (buffer.frame_count ? since : 0));
}

function connectEvents() {
  new EventLink("/api/events", {
    onOpen(again) {
      store.update({ link: "online" });
      if (again) toasts.say(text.link.back);
      else actions.reload();
    },
    onLost() {
      store.update({ link: "lost" });
      actions.checkSession();
      if (store.state.cameras.status === "loading") actions.reload();
    },
    on: {
      clip: (clip) => actions.clipChanged(clip),
      clip_deleted: ({ id }) => actions.clipDeleted(id),
      camera: (camera) => actions.cameraChanged(camera),
      cameras: () => actions.loadCameras(),
      reset: () => actions.reload(),
    },
  }, page.signal);
}

const wishes = /** @type {Record<string, (detail: any) => unknown>} */ ({
  "record": () => actions.record(),
  "snapshot": () => actions.snapshot(),
  "stop-recording": ({ id }) => actions.ask(id, "stop"),
  "retry-clip": ({ id }) => actions.ask(id, "retry"),
  "change-clip": ({ id, changes }) => actions.change(id, changes),
  "delete-clip": async ({ id }) => { if (await actions.remove(id)) leaveClip(); },
  "close-clip": () => leaveClip(),
  "reload-clips": () => actions.loadClips(),
  "more-clips": () => actions.moreClips(),
  "choose-camera": ({ camera }) => chooseCamera(camera),
  "choose-lengths": (lengths) => actions.chooseLengths(lengths),
  "camera-state": (told) => actions.cameraState(told),
  "sign-in": ({ key }) => actions.signIn(key),
});
for (const [name, grant] of Object.entries(wishes)) {
  document.addEventListener(name, (event) => grant(/** @type {CustomEvent} */ (event).detail), { signal: page.signal });
}

bindShortcuts({
  "r": () => panel.press(),
  "s": () => actions.snapshot(),
  "f": () => live.toggleFullScreen(),
  "?": () => help.open(),
  digit: (key) => { const camera = store.state.cameras.items[Number(key) - 1]; if (camera) chooseCamera(camera.id); },
}, page.signal);

async function start() {
  document.body.append(confirmation, help, toasts);
  const key = takeKey();
  let connected = false;
  store.subscribe((state, before) => {
    paintShell(state);
    if (state.session !== "ok") return;
    if (!connected) {
      connected = true;
      connectEvents();
    } else if (before.session === "needed") {
      actions.reload();
    }
    paintStage(state);
    grid.show(state, clock.now_ms());
    dialog.show(state);
  });
  watchRoute(({ clip, query }) => {
    store.update({ camera: query.get("camera") });
    actions.openClip(clip);
  }, page.signal);
  addEventListener("hashchange", async () => { const later = takeKey(); if (later) await actions.signIn(later); }, { signal: page.signal });
  for (const change of ["online", "offline"]) addEventListener(change, () => paintShell(store.state), { signal: page.signal });
  setInterval(() => { if (!document.hidden && store.state.session === "ok") paintRunning(store.state); }, 500);
  setInterval(() => { if (!document.hidden && store.state.session === "ok") actions.loadCameras(); }, REFRESH_CAMERAS_MS);
  if (key) await actions.signIn(key);
  else await actions.checkSession();
}

start();
