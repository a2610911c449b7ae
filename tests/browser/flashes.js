/** When flashes are seen and clicks are heard, on the page's clock (ms). For tests only. */

const BRIGHT = 128;
const LOUD = 0.2;

/** Mean brightness of a picture. */
function brightness(context, screen) {
  context.drawImage(screen, 0, 0, 8, 8);
  const { data } = context.getImageData(0, 0, 8, 8);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i + 1];
  return sum / (data.length / 4);
}

/** What leaves the page's sound for so many seconds: each click's moment. */
async function clicks(sound, seconds) {
  const { context, output } = sound;
  const tap = new AnalyserNode(context, { fftSize: 4096 });
  output.connect(tap);
  const samples = new Float32Array(tap.fftSize);
  const found = [];
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    tap.getFloatTimeDomainData(samples);
    const end_s = context.currentTime;
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    const index = samples.findIndex((sample) => Math.abs(sample) > LOUD);
    if (index > 0) {
      const at_s = end_s - (samples.length - index) / context.sampleRate;
      const at_ms = performanceTime + (at_s - contextTime) * 1000;
      if (found.every((other) => Math.abs(other - at_ms) > 300)) found.push(at_ms);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return found;
}

/** When white pictures come on screen, and the longest time without a new picture. */
async function flashes(view, seconds) {
  const found = [];
  const until = performance.now() + seconds * 1000;
  const canvas = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
  let [last_label, last_ms, longest_pause_ms] = [null, performance.now(), 0];
  const look = (screen, at_ms) => {
    longest_pause_ms = Math.max(longest_pause_ms, at_ms - last_ms);
    last_ms = at_ms;
    if (brightness(canvas, screen) > BRIGHT && found.every((other) => Math.abs(other - at_ms) > 300)) found.push(at_ms);
  };
  if (view.video.hidden) {
    while (performance.now() < until) {
      const label = view.labelOnScreen;
      if (label !== last_label) look(view.picture, performance.now());
      last_label = label;
      await new Promise(requestAnimationFrame);
    }
  } else {
    await new Promise((resolve) => {
      const next = (_now, frame) => {
        look(view.video, frame.expectedDisplayTime);
        if (performance.now() < until) view.video.requestVideoFrameCallback(next);
        else resolve();
      };
      view.video.requestVideoFrameCallback(next);
      // A film that has ended paints no more.
      setTimeout(resolve, seconds * 1000);
    });
  }
  return { found, longest_pause_ms };
}

/** By how much each click is later than its flash, live. */
export async function liveOffsets(view, seconds) {
  return offsets(view.sound.sound, view, seconds);
}

/** The same of a finished clip, played from its beginning to its end. */
export async function clipOffsets(url, seconds) {
  const video = document.createElement("video");
  video.src = url;
  document.body.append(video);
  const context = new AudioContext();
  const output = new MediaElementAudioSourceNode(context, { mediaElement: video });
  output.connect(context.destination);
  await new Promise((resolve, reject) => {
    video.addEventListener("canplaythrough", resolve, { once: true });
    video.addEventListener("error", () => reject(new Error(video.error?.message)), { once: true });
  });
  await video.play();
  const found = await offsets({ context, output }, { video }, seconds);
  const ended = video.currentTime;
  // The player does not know of the way its sound takes through the context that listens here.
  const detour_ms = (context.baseLatency + context.outputLatency) * 1000;
  found.offsets_ms = found.offsets_ms.map((offset) => offset - detour_ms);
  video.remove();
  await context.close();
  return { ...found, ended };
}

/** The longest time without a new picture. */
export async function longestPause(view, seconds) {
  return (await flashes(view, seconds)).longest_pause_ms;
}

/** When the clicks are in the decoded file, in seconds. */
export async function clicksInFile(url) {
  const context = new OfflineAudioContext(1, 1, 48_000);
  const buffer = await context.decodeAudioData(await (await fetch(url)).arrayBuffer());
  const found = [];
  buffer.getChannelData(0).forEach((sample, index) => {
    const at_s = index / buffer.sampleRate;
    if (Math.abs(sample) > LOUD && (found.length === 0 || at_s - found[found.length - 1] > 0.5)) found.push(at_s);
  });
  return found;
}

/** Which of the pictures at these times are white. */
export async function brightAt(url, times_s) {
  const video = document.createElement("video");
  const canvas = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
  video.muted = true;
  video.src = url;
  const found = [];
  for (const time_s of times_s) {
    const seeked = new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
    video.currentTime = time_s;
    await seeked;
    found.push(brightness(canvas, video) > BRIGHT);
  }
  return found;
}

async function offsets(sound, view, seconds) {
  const [heard, seen] = await Promise.all([clicks(sound, seconds), flashes(view, seconds)]);
  const offsets_ms = heard
    .map((click) => {
      const flash = seen.found.reduce(
        (best, other) => (Math.abs(other - click) < Math.abs(best - click) ? other : best),
        Infinity,
      );
      return click - flash;
    })
    .filter((offset) => Math.abs(offset) < 450);
  return {
    offsets_ms,
    heard: heard.length,
    seen: seen.found.length,
    longest_pause_ms: seen.longest_pause_ms,
    rate: sound.context.sampleRate,
  };
}
