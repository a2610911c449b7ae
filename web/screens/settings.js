/** Settings of this device, the devices that are signed in, warnings, the cameras, facts of the box, and help. */

import { LANGUAGES, language, setLanguage, text } from "../all_messages.js";
import { here } from "../base.js";
import { Devices } from "../components/devices.js";
import { HsElement } from "../components/element.js";
import { EncryptionNote } from "../components/encryption_note.js";
import { Failure } from "../components/failure.js";
import { h, icon, skeleton, stylesheet } from "../dom.js";
import { formatBytes, formatDuration, formatNumber } from "../format.js";
import { isStale } from "../freshness.js";
import { warningsOf } from "../insights.js";
import { Latest } from "../latest.js";
import { setShortcutsEnabled, shortcutsEnabled } from "../shortcuts.js";
import { setTheme, THEMES, theme } from "../theme.js";
/** @import { Camera, Retention, Services, State, System } from "../types.js" */

export class SettingsScreen extends HsElement {
  #services;
  #latest = new Latest();
  #painted = "";

  themes = h(
    "select",
    { id: "theme", on: { change: () => setTheme(this.themes.value) } },
    ...THEMES.map((name) => h("option", { value: name }, text.settings.themes[name])),
  );
  languages = h(
    "select",
    {
      id: "language",
      on: {
        change: () => {
          setLanguage(this.languages.value);
          location.reload();
        },
      },
    },
    ...Object.entries(LANGUAGES).map(([tag, name]) => h("option", { value: tag, lang: tag }, name)),
  );
  shortcuts = h("input", {
    type: "checkbox",
    id: "shortcuts",
    on: { change: () => setShortcutsEnabled(Boolean(this.shortcuts.checked)) },
  });
  devices;
  cameras = h("div", { class: "setting-cameras" });
  box = h("dl", { class: "facts" });
  findings = h("ul", { class: "warnings" });
  fine = h("p", { hidden: true }, text.insights.noWarnings);
  health = h("div", {}, this.findings, this.fine);
  skeleton = skeleton(2);
  failure = new Failure(() => this.#retry());

  /** @param {Services} services */
  constructor(services) {
    super();
    this.#services = services;
    this.devices = new Devices(services);
    stylesheet("schedules");
  }

  build() {
    const link = (/** @type {string} */ href, /** @type {string} */ words) =>
      h("li", {}, h("a", { href: here(href) }, words));
    this.append(
      h("h1", { class: "screen-title" }, text.screens.settings),
      new EncryptionNote(),
      h(
        "section",
        { class: "setting" },
        h("h2", {}, text.settings.device),
        h("label", { class: "form-label", for: "theme" }, h("span", {}, text.settings.theme), this.themes),
        h("label", { class: "form-label", for: "language" }, h("span", {}, text.settings.language), this.languages),
        h("label", { class: "switch for-keys", for: "shortcuts" }, this.shortcuts, text.help.enable),
      ),
      h("section", { class: "setting" }, h("h2", {}, text.devices.title), this.devices),
      h("section", { class: "setting" }, h("h2", {}, text.insights.warnings), this.health, this.failure),
      h(
        "section",
        { class: "setting" },
        h("h2", {}, text.camera.choose),
        this.cameras,
        h("p", { class: "soft" }, text.settings.change),
      ),
      h("section", { class: "setting" }, h("h2", {}, text.settings.box), this.skeleton, this.box),
      h(
        "section",
        { class: "setting" },
        h("h2", {}, text.settings.more),
        h(
          "ul",
          { class: "setting-links" },
          link("/test_video_playback.html", text.settings.check),
          link("/api/openapi.json", text.settings.api),
          link("/metrics", text.settings.metrics),
        ),
      ),
    );
  }

  connected() {
    this.themes.value = theme();
    this.languages.value = language;
    this.shortcuts.checked = shortcutsEnabled();
    this.#painted = "";
  }

  /** @param {State} state */
  show(state) {
    this.health.hidden = isStale(state);
    const now = JSON.stringify(
      state.cameras.items.map(({ id, name, state: is, reason, codec, width, height }) => [
        id,
        name,
        is,
        reason,
        codec,
        width,
        height,
      ]),
    );
    if (now === this.#painted) return;
    this.#painted = now;
    this.cameras.replaceChildren(...state.cameras.items.map(cameraRow));
    this.#load();
  }

  #retry() {
    this.failure.show(null);
    this.skeleton.hidden = this.box.hasChildNodes();
    this.#load();
  }

  async #load() {
    const signal = this.#latest.ask();
    try {
      const [system, retention] = await Promise.all([this.#services.api.system(), this.#services.api.retention()]);
      if (signal.aborted) return;
      this.failure.show(null);
      this.#paint(system, retention);
    } catch (error) {
      if (signal.aborted) return;
      this.failure.show(error);
    }
    this.skeleton.hidden = true;
  }

  /** @param {System} system @param {Retention} retention */
  #paint(system, retention) {
    const findings = [
      ...warningsOf(system, this.#services.shown()[0].cameras.items, text.insights.concerns),
      ...(retention.held ? [retention.held.reason] : []),
    ];
    this.findings.replaceChildren(...findings.map((words) => h("li", {}, icon("alert"), words)));
    this.fine.hidden = findings.length > 0;
    const { storage, disk, encoder } = system;
    const rows = [
      [text.settings.version, system.version],
      [text.settings.uptime, formatDuration(system.uptime_seconds)],
      [text.settings.disk, text.insights.free(formatBytes(disk.free_bytes), formatBytes(disk.total_bytes))],
      [text.settings.clips, `${formatNumber(disk.clips)} · ${formatBytes(disk.clips_bytes)}`],
      [
        text.settings.store,
        storage.provider === "local" ? text.settings.local : `${storage.provider} · ${storage.detail ?? storage.state}`,
      ],
      [text.settings.encoder, encoder.name ?? text.settings.noEncoder],
      [text.settings.clock, text.settings.clocks[/** @type {"synchronised"} */ (system.clock)] ?? system.clock],
      [text.settings.memory, formatBytes(system.memory_rss_bytes)],
    ];
    this.box.replaceChildren(...rows.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value))));
  }
}

/** @param {Camera} camera */
function cameraRow(camera) {
  const facts = [
    camera.codec?.toUpperCase(),
    camera.width && `${camera.width} × ${camera.height}`,
    camera.fps && `${formatNumber(camera.fps)} fps`,
  ].filter(Boolean);
  return h(
    "div",
    { class: "setting-camera" },
    h("strong", {}, camera.name || camera.id),
    h("span", { class: "state-pill", "data-state": camera.state }, text.camera[camera.state]),
    h("span", { class: "soft" }, facts.join(" · ")),
    h("span", { class: "soft" }, camera.state === "live" ? "" : (camera.reason ?? "")),
  );
}

customElements.define("hs-settings-screen", SettingsScreen);
