/** Puts the page together: the only module that knows all others. Handles the elements' events, passes on the state. */

import { Actions } from "./actions.js";
import { Api } from "./api.js";
import { Navigation } from "./components/navigation.js";
import { Toasts } from "./components/toasts.js";
import { h, icon, setAttribute, setText, showOnly } from "./dom.js";
import { encryptionMark } from "./encryption.js";
import { formatTime } from "./format.js";
import { asKnown, FIRST_MS, isStale } from "./freshness.js";
import { leave, whyLeft } from "./leaving.js";
import { language, text } from "./messages.js";
import { inTime } from "./patience.js";
import { HOME, leaveClip, takeCode, updateQuery, watchRoute } from "./router.js";
import { LiveScreen } from "./screens/live.js";
import { ScreenSwitcher } from "./screens/screen_switcher.js";
import { ServerClock } from "./server_clock.js";
import { listen } from "./shared_events.js";
import { Store } from "./store.js";
import { applyTheme } from "./theme.js";
import { withWarning } from "./warnings.js";

/** @import { Services, State } from "./types.js" */

const REFRESH_CAMERAS_MS = 15_000;
const LOOK_MS = 500;
const LATE_MS = 400;

const page = new AbortController();
const clock = new ServerClock();
const store = new Store();
const toasts = new Toasts();
/** @type {import("./components/clip_dialog.js").ClipDialog|null} imported when the first clip is opened */
let dialog = null;
let opening = false;
const over = h("div");
/** @type {import("./components/sign_in.js").SignIn|null} imported when the box is locked */
let signIn = null;
let importing = false;
const navigation = new Navigation();

/** @param {string} words @param {"good"|"bad"} [tone] */
const say = (words, tone) => toasts.say(words, tone);
const api = new Api({ clock, onUnauthorised: () => store.update({ session: "needed" }) });
const actions = new Actions({ store, api, clock, say, labelOnScreen: () => live.labelOnScreen });
const services = /** @type {Services} */ (
  Object.freeze({
    store,
    api,
    clock,
    actions,
    say,
    shown,
    confirm: async (words) => (await confirmation())?.ask(words) ?? false,
  })
);
/** @type {LiveScreen} */
const live = new LiveScreen(services);
const switcher = new ScreenSwitcher(
  {
    [HOME]: () => live,
    clips: async () => new (await import("./screens/clips.js")).ClipsScreen(services),
    insights: async () => new (await import("./screens/insights.js")).InsightsScreen(services),
    schedules: async () => new (await import("./screens/schedules.js")).SchedulesScreen(services),
    settings: async () => new (await import("./screens/settings.js")).SettingsScreen(services),
    feed: async () => new (await import("./screens/feed.js")).FeedScreen(services),
  },
  () => paint(store.state),
);

const banner = h("p", { class: "banner", role: "status", hidden: true });
const helpButton = h(
  "button",
  {
    type: "button",
    class: "icon-button for-keys",
    "aria-label": text.help.open,
    title: text.help.open,
    on: { click: () => openHelp() },
  },
  icon("keys"),
);
const header = h(
  "header",
  { class: "top" },
  h("a", { class: "brand", href: "#/" }, icon("mark"), text.app.name),
  navigation,
  encryptionMark(),
  helpButton,
);
const main = h("main", { id: "main", tabindex: "-1" }, switcher);

/** @param {State} state */
function paintShell(state) {
  const root = /** @type {HTMLElement} */ (document.getElementById("root"));
  const wanted =
    state.session === "needed" ? (signIn ? [signIn] : []) : state.session === "ok" ? [banner, header, main, over] : [];
  if (root.firstElementChild !== (wanted[0] ?? null)) root.replaceChildren(...wanted);
  if (signIn) {
    setAttribute(signIn, "error", state.sessionError);
    setAttribute(signIn, "notice", state.sessionNotice);
    setAttribute(signIn, "busy", state.signingIn);
  } else if (state.session === "needed") askForCode();
  navigation.showWarning(Object.keys(state.warnings).length > 0);
  banner.hidden = !isStale(state);
  setText(banner, banner.hidden ? "" : bannerWords(state));
}

/** @param {State} state of a silent box */
function bannerWords({ link, heard_ms }) {
  const { lost, checking, offline, unreachable } = text.link;
  if (!navigator.onLine) return offline;
  if (link === "checking") return checking;
  return heard_ms === null ? unreachable : lost(formatTime(new Date(heard_ms)));
}

/**
 * What may be shown, and of when it is: of a silent box, what was known when it was heard last.
 * @returns {[State, number]}
 */
function shown() {
  const { state } = store;
  return [asKnown(state), state.heard_ms ?? clock.now_ms()];
}

/**
 * A module that is fetched when it is needed; null, with words for the viewer, if it does not come.
 * @template T @param {Promise<T>} module @returns {Promise<T|null>}
 */
async function fetched(module) {
  try {
    return await inTime(module);
  } catch {
    say(text.screens.failed, "bad");
    return null;
  }
}

async function askForCode() {
  if (importing) return;
  importing = true;
  const module = await inTime(import("./components/sign_in.js")).catch(() => null);
  importing = false;
  if (!module) return showOnly(text.screens.failed);
  signIn = new module.SignIn();
  paintShell(store.state);
}

/** @param {State} state */
function paint(state) {
  if (state.session !== "ok") return;
  const [known, now_ms] = shown();
  switcher.show(known, now_ms);
  if (dialog) dialog.show(known);
  else if (state.openId) openDialog();
}

async function openDialog() {
  if (opening) return;
  opening = true;
  let hush = () => {};
  const late = setTimeout(() => {
    hush = toasts.say(text.clip.loading);
  }, LATE_MS);
  const module = await fetched(import("./components/clip_dialog.js"));
  clearTimeout(late);
  hush();
  opening = false;
  if (store.state.openId === null) return;
  if (!module) return leaveClip();
  dialog = new module.ClipDialog(services, (id) => switcher.clipList(id));
  over.append(dialog);
  paint(store.state);
}

/** @param {"lost"|"checking"} link @param {number} age_ms how long ago the box was heard, if it was */
function lose(link, age_ms) {
  const heard = store.state.link === "online";
  store.update(({ heard_ms }) => ({ link, heard_ms: heard ? clock.now_ms() - age_ms : heard_ms }));
}

/** The box is heard again. What was known before is shown as current only when it has been read again. */
async function find(/** @type {() => Promise<boolean>} */ read) {
  const link = isStale(store.state) ? "checking" : store.state.link;
  store.update({ link });
  const found = (await read()) || link === "connecting";
  if (!found || store.state.link !== link) return;
  store.update({ link: "online", heard_ms: null });
  if (link !== "checking") return;
  say(text.link.back);
  if (store.state.openError !== null) actions.loadOpenClip();
  document.dispatchEvent(new CustomEvent("box-back"));
}

function connectEvents() {
  const { fresh, hurry } = listen(
    {
      onOpen(again) {
        // The stream catches up from what its first page had seen; a page that has read nothing yet reads all.
        const knows = again && store.state.cameras.status === "ready";
        if (store.state.link !== "online" || again)
          find(() => (knows ? actions.loadCameras(FIRST_MS) : actions.reload()));
      },
      onLost() {
        lose("lost", fresh.age_ms);
        actions.checkSession();
        if (store.state.cameras.status === "loading") actions.reload();
      },
      on: {
        beat() {
          // The stream is open and the cameras could not be read.
          if (isStale(store.state)) find(() => actions.loadCameras());
        },
        clip: (clip) => actions.clipChanged(clip),
        clip_deleted: ({ id }) => actions.clipDeleted(id),
        hello: ({ concerns }) => store.update({ warnings: concerns }),
        concern: (change) => store.update(({ warnings }) => ({ warnings: withWarning(warnings, change) })),
        upload: (progress) => actions.uploadProgressed(progress),
        storage: () => store.update({ copies: {} }),
        camera: (camera) => actions.cameraChanged(camera),
        cameras: () => actions.loadCameras(),
        reset: () => actions.reload(),
      },
    },
    page.signal,
  );
  let looked_ms = fresh.now_ms();
  /** Notices a silent box, and a device that was asleep: then the page looks before it says anything. */
  const look = () => {
    const slept = fresh.now_ms() - looked_ms > fresh.limit_ms;
    looked_ms = fresh.now_ms();
    if (document.hidden) return;
    if (store.state.link === "online" && !fresh.current) {
      lose(slept ? "checking" : "lost", fresh.age_ms);
      hurry();
    }
    if (store.state.session === "ok") paint(store.state);
  };
  setInterval(look, LOOK_MS);
  const { signal } = page;
  // On the box itself the page works without a network, so only an answer tells.
  const doubt = () => {
    lose("checking", fresh.age_ms);
    find(() => actions.loadCameras());
  };
  addEventListener("offline", doubt, { signal });
  const seen = () => {
    look();
    if (isStale(store.state) && !document.hidden) hurry();
  };
  document.addEventListener("visibilitychange", seen, { signal });
}

const handlers = /** @type {Record<string, (detail: any) => unknown>} */ ({
  record: () => actions.record(),
  "keep-span": (wanted) => actions.keepSpan(wanted),
  say: ({ words, tone }) => say(words, tone),
  snapshot: () => actions.snapshot(),
  "stop-recording": ({ id }) => actions.runClipAction(id, "stop"),
  "retry-clip": ({ id }) => actions.runClipAction(id, "retry"),
  "close-clip": () => leaveClip(),
  help: () => openHelp(),
  reload: () => actions.reload(),
  "reload-clips": () => actions.loadClips(),
  "more-clips": () => actions.moreClips(),
  "choose-camera": ({ camera }) => updateQuery({ camera, grid: null }),
  "choose-grid": () => updateQuery({ grid: "1" }),
  "choose-lengths": (lengths) => actions.chooseLengths(lengths),
  "camera-state": (change) => actions.cameraStateChanged(change),
  "sign-in": (credential) => actions.signIn(credential),
  "signed-out": () => actions.checkSession(),
});
for (const [name, handle] of Object.entries(handlers)) {
  document.addEventListener(name, (event) => handle(/** @type {CustomEvent} */ (event).detail), {
    signal: page.signal,
  });
}

// Nothing of the first picture waits for them.
import("./page_keys.js").then(
  ({ bindPageKeys }) => bindPageKeys({ live, actions, store, help: openHelp }, page.signal),
  () => undefined,
);

/**
 * The dialog of a class, added to the page on first use.
 * @template {HTMLElement} T
 * @param {new () => T} Dialog
 * @param {string} name
 * @returns {T}
 */
function once(Dialog, name) {
  return document.querySelector(name) ?? document.body.appendChild(new Dialog());
}

async function openHelp() {
  const module = await fetched(import("./components/help_dialog.js"));
  if (module) once(module.HelpDialog, "hs-help-dialog").open();
}

async function confirmation() {
  const module = await fetched(import("./components/confirm_dialog.js"));
  return module && once(module.ConfirmDialog, "hs-confirm-dialog");
}

/** @param {{code: string|null}|null} found in the address */
async function followLink(found) {
  if (found?.code) return actions.signIn({ code: found.code }, { byLink: true });
  const isKey = found?.code === null;
  store.update({ sessionNotice: isKey ? text.signIn.keyInAddress : whyLeft() });
  await actions.checkSession();
  if (isKey && store.state.session === "ok") say(text.signIn.keyInAddress, "bad");
}

async function start() {
  applyTheme();
  document.documentElement.lang = language;
  document.body.append(toasts);
  const found = takeCode();
  let connected = false;
  store.subscribe((state, before) => {
    if (before.session === "ok" && state.session === "needed") leave();
    paintShell(state);
    if (state.session !== "ok") return;
    if (!connected) {
      connected = true;
      connectEvents();
    }
    paint(state);
  });
  // Before the route's own listener, which must not see a code.
  addEventListener(
    "hashchange",
    () => {
      const later = takeCode();
      if (later) followLink(later);
    },
    { signal: page.signal },
  );
  watchRoute(({ screen, clip, query }) => {
    const known = switcher.has(screen) ? screen : HOME;
    navigation.show(known);
    switcher.go(known);
    store.update({ camera: query.get("camera"), query });
    actions.openClip(clip, switcher.clipList(String(clip)));
  }, page.signal);
  for (const change of ["online", "offline"])
    addEventListener(change, () => paintShell(store.state), { signal: page.signal });
  setInterval(() => {
    if (!document.hidden && store.state.session === "ok" && !isStale(store.state)) actions.loadCameras();
  }, REFRESH_CAMERAS_MS);
  await followLink(found);
}

start();
