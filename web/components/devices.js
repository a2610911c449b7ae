/** The browsers that are signed in: this one first, each with a button that signs it out, and a way to add one. */

import { text } from "../all_messages.js";
import { h, setText, skeleton, stylesheet } from "../dom.js";
import { formatMoment } from "../format.js";
import { Latest } from "../latest.js";
import { leave, signingOut } from "../leaving.js";
import { HsElement } from "./element.js";
import { Failure } from "./failure.js";
import { Invitation } from "./invitation.js";

/** @import { Device, Services } from "../types.js" */

/** The server notes a device's last use to within ten minutes. */
const RECENTLY_MS = 10 * 60_000;

export class Devices extends HsElement {
  #services;
  /** @type {readonly Device[]} */
  #shown = [];
  #latest = new Latest();

  words = h("p", { role: "status" });
  skeleton = skeleton(1);
  failure = new Failure(() => this.#load());
  list = h("ul", { class: "devices" });
  others = h(
    "button",
    { type: "button", class: "button danger", on: { click: () => this.#signOutOthers() } },
    text.devices.signOutOthers,
  );
  invitation;
  signedIn = h("div", { class: "devices-signed-in", hidden: true });

  /** @param {Services} services */
  constructor(services) {
    super();
    this.#services = services;
    this.invitation = new Invitation(services);
    stylesheet("devices");
  }

  build() {
    this.signedIn.append(this.list, h("div", { class: "devices-actions" }, this.invitation, this.others));
    this.append(this.words, this.failure, this.skeleton, this.signedIn);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    this.addEventListener("invitation-over", () => this.#welcome(), { signal });
    this.#load();
  }

  /** @returns {Promise<readonly Device[]|null>} the devices; null: not known */
  async #load() {
    const { api } = this.#services;
    const signal = this.#latest.ask();
    try {
      const caller = await api.session();
      const principal = caller?.principal ?? "session";
      const devices = principal === "session" ? (await api.devices()).sessions : [];
      if (signal.aborted) return devices;
      this.signedIn.hidden = principal !== "session";
      const { byKey, byLoopback } = text.devices;
      setText(this.words, principal === "session" ? "" : principal === "loopback" ? byLoopback : byKey);
      this.failure.show(null);
      this.#paint(devices);
      return devices;
    } catch (error) {
      if (signal.aborted) return null;
      this.failure.show(error);
      return null;
    } finally {
      this.skeleton.hidden = true;
      this.words.hidden = this.words.textContent === "";
    }
  }

  /** @param {readonly Device[]} devices */
  #paint(devices) {
    this.#shown = devices;
    const own = devices.filter(({ current }) => current);
    const others = devices.filter(({ current }) => !current);
    this.list.replaceChildren(...[...own, ...others].map((device) => this.#row(device)));
    this.others.hidden = others.length === 0;
  }

  /** @param {Device} device */
  #row(device) {
    const now_ms = this.#services.clock.now_ms();
    const name = deviceName(device);
    const signedIn = text.devices.signedIn(formatMoment(device.created_at, now_ms));
    const recently = now_ms - Date.parse(device.last_used_at) < RECENTLY_MS;
    const click = () => (device.current ? this.#signOut() : this.#signOutDevice(device));
    return h(
      "li",
      { class: "device" },
      h(
        "div",
        { class: "device-words" },
        h("strong", {}, h("bdi", {}, name)),
        device.current ? h("span", { class: "state-pill", "data-state": "live" }, text.devices.here) : null,
        h("span", { class: "soft" }, device.address ? `${signedIn}, ${text.devices.from(device.address)}` : signedIn),
        h(
          "span",
          { class: "soft" },
          recently ? text.devices.usedNow : text.devices.used(formatMoment(device.last_used_at, now_ms)),
        ),
      ),
      h(
        "button",
        { type: "button", class: "button", "aria-label": text.devices.signOutOf(name), on: { click } },
        text.devices.signOut,
      ),
    );
  }

  async #signOut() {
    if (!(await this.#confirmed(text.devices.signOut, text.devices.signOutBody))) return;
    signingOut(true);
    if (await this.#tried(() => this.#services.api.signOut())) leave();
    else signingOut(false);
  }

  /** @param {Device} device */
  async #signOutDevice(device) {
    const done = await this.#tried(() => this.#services.api.signOutDevice(device.id));
    if (done) this.#services.say(text.devices.signedOut);
    this.#load();
  }

  async #signOutOthers() {
    if (!(await this.#confirmed(text.devices.signOutOthers, text.devices.signOutOthersBody))) return;
    if (await this.#tried(() => this.#services.api.signOutOthers())) this.#services.say(text.devices.signedOut);
    this.#load();
  }

  /** @param {string} action @param {string} body */
  #confirmed(action, body) {
    return this.#services.confirm({ title: `${action}?`, body, yes: text.devices.signOut, no: text.devices.stay });
  }

  /** @param {() => Promise<unknown>} request */
  async #tried(request) {
    try {
      await request();
      return true;
    } catch (error) {
      this.#services.say(/** @type {Error} */ (error).message, "bad");
      return false;
    }
  }

  /** Says which device used the code; none has if it ran out, or if the box has restarted. */
  async #welcome() {
    const before = new Set(this.#shown.map(({ id }) => id));
    const devices = await this.#load();
    if (!devices) return;
    const newcomer = devices.find(({ id }) => !before.has(id));
    this.invitation.end(newcomer ? text.devices.joined(deviceName(newcomer)) : text.devices.over);
  }
}

/** The server names browsers in English. @param {Device} device */
function deviceName({ device }) {
  const [, browser, system] = /^(.+) on (iPhone|iPad|Android|Windows|Mac|Linux)$/.exec(device) ?? [];
  return browser ? text.devices.named(browser, system) : device || text.devices.unnamed;
}

customElements.define("hs-devices", Devices);
