/** What `./hindsight bench web` asks inside the page: when something is on screen. Every wait has an end. */

{
  const $ = (/** @type {string} */ selector) => document.querySelector(selector);
  const cards = () => [...document.querySelectorAll("hs-clip-card[data-id]")];
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  /** The moment (performance.now) of the first animation frame in which `holds`. */
  async function until(holds, what, within_ms = 30_000) {
    const end_ms = performance.now() + within_ms;
    for (;;) {
      if (holds()) return performance.now();
      if (performance.now() > end_ms) throw new Error(`not within ${within_ms} ms: ${what}`);
      await frame();
    }
  }

  const painted = (/** @type {HTMLVideoElement} */ video, what) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing painted: ${what}`)), 30_000);
      video.requestVideoFrameCallback(() => {
        clearTimeout(timer);
        resolve(performance.now());
      });
    });

  globalThis.bench = {
    /** Since the address was entered. */
    firstPicture: () => until(() => typeof $("hs-live-view")?.labelOnScreen === "number", "the live picture"),

    /** Of every frame painted during `seconds`: ms from its label to the moment it was to be on screen. */
    latency: async (seconds) => (await bench.watch(seconds)).lags,

    /** The same, how often the picture ran dry or jumped meanwhile, and how long one picture stood at most. */
    async watch(seconds) {
      const { video } = $("hs-live-view");
      const told = { lags: [], stalls: 0, jumps: 0, longest_ms: 0 };
      const over = new AbortController();
      video.addEventListener(
        "waiting",
        () => {
          told.stalls += video.seeking ? 0 : 1;
        },
        { signal: over.signal },
      );
      video.addEventListener(
        "seeking",
        () => {
          told.jumps += 1;
        },
        { signal: over.signal },
      );
      let last_ms = performance.now();
      const end_ms = last_ms + seconds * 1000;
      while (performance.now() < end_ms) {
        await new Promise((resolve) => {
          const given_up = setTimeout(resolve, 5000);
          video.requestVideoFrameCallback((_now, { mediaTime, expectedDisplayTime }) => {
            clearTimeout(given_up);
            told.longest_ms = Math.max(told.longest_ms, expectedDisplayTime - last_ms);
            last_ms = expectedDisplayTime;
            const label_us = $("hs-live-view").labelAt(mediaTime);
            if (label_us !== null)
              told.lags.push(Date.now() + expectedDisplayTime - performance.now() - label_us / 1000);
            resolve(undefined);
          });
        });
      }
      over.abort();
      return told;
    },

    /** Press Record, wait for the card, open it at once, wait for its first picture: ms of both from the press. */
    async press() {
      await until(() => !$(".clip-dialog video") && !$(".record-button").disabled, "Record");
      const known = new Set(cards().map(({ dataset }) => dataset.id));
      const began_ms = performance.now();
      $(".record-button").click();
      const fresh = () => cards().find(({ dataset }) => !known.has(dataset.id));
      const card_ms = await until(fresh, "a card");
      fresh().querySelector("a").click();
      await until(() => $(".clip-dialog video"), "a player");
      const playable_ms = await painted($(".clip-dialog video"), "the clip");
      return [card_ms - began_ms, playable_ms - began_ms];
    },

    filmstrip: () =>
      until(() => document.querySelectorAll(".filmstrip-picture").length >= 2, "the filmstrip under the picture"),

    /** Look `ago_ms` back: ms until the neighbouring picture (null: never seen) and until the exact one. */
    async look(ago_ms) {
      const panel = $("hs-rewind-panel");
      const began_ms = performance.now();
      let near_ms = null;
      panel.lookAt((Date.now() - ago_ms) * 1000);
      const exact_ms = await until(() => {
        const { near } = panel;
        if (near_ms === null && !near.hidden && near.complete) near_ms = performance.now();
        const video = $(".replay video");
        return near.hidden && video && !panel.stage.ariaBusy;
      }, "a look back");
      return [near_ms === null ? null : near_ms - began_ms, exact_ms - began_ms];
    },

    leaveLook: () => $("hs-rewind-panel").leave(),

    /** Scroll down until the whole list is there, or the time is over: ms it took, and clips that came. */
    async loadAll(count, within_ms) {
      const began_ms = performance.now();
      const place = () => Number($("hs-gallery-grid li:last-child")?.getAttribute("aria-posinset"));
      await until(
        () => {
          scrollTo(0, document.documentElement.scrollHeight);
          return place() === count || performance.now() - began_ms > within_ms;
        },
        `${count} clips`,
        2 * within_ms,
      );
      return [performance.now() - began_ms, place()];
    },

    /** Intervals between animation frames, ms, while the list moves by `step_px` each. */
    async scroll(seconds, step_px) {
      scrollTo(0, 0);
      await frame();
      let last_ms = await frame();
      const [intervals, end_ms] = [[], last_ms + seconds * 1000];
      while (last_ms < end_ms) {
        scrollBy(0, step_px);
        const now_ms = await frame();
        intervals.push(now_ms - last_ms);
        last_ms = now_ms;
      }
      return intervals;
    },
  };
}
