// One clock for all sounds of a track: all of them run, and gains decide which is heard.
const LEAD_SECONDS = 0.05; // between the order to play and the first sound
const FADE_SECONDS = 0.006;
const scriptsAwaited = new Map();

/** Called by the scripts that hold the sounds. */
window.heard = (name, addresses) => scriptsAwaited.get(name)?.(addresses);

function loadScript(file) {
  const name = file.replace(/^.*\/|\.js$/g, "");
  return new Promise((resolve, reject) => {
    const script = make("script", { src: file });
    scriptsAwaited.set(name, (addresses) => { script.remove(); resolve(addresses); });
    script.addEventListener("error", () => reject(new Error(`${file} is not beside this page`)));
    document.head.append(script);
  });
}

function bytesOf(address) {
  const text = atob(address.slice(address.indexOf(",") + 1));
  return Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;
}

/** Each estimate less the true sound, by its key. */
function errorsOf(entry, buffers) {
  return new Map(entry.signals.filter((one) => one.system && buffers.has(one.key)).map((one) => {
    const [estimate, truth] = [buffers.get(one.key), buffers.get(one.target)];
    const length = Math.min(estimate.length, truth.length);
    const error = new AudioBuffer({ length, numberOfChannels: estimate.numberOfChannels, sampleRate: estimate.sampleRate });
    for (let channel = 0; channel < estimate.numberOfChannels; channel++) {
      const [heard, wanted, left] = [estimate.getChannelData(channel), truth.getChannelData(channel), error.getChannelData(channel)];
      for (let place = 0; place < length; place++) left[place] = heard[place] - wanted[place];
    }
    return [one.key, error];
  }));
}

class Player {
  constructor(changed) {
    this.changed = changed; // called when it starts, stops, or chooses another sound
    this.buffers = new Map();
    this.levels = new Map(); // gains that make all equally loud, in dB
    this.context = null;
    this.voices = null; // while playing: key -> {source, gain}
    this.offset = 0;
    this.duration = 0;
    this.key = null;
    this.errors = null; // while estimates are heard less the truth: key -> buffer
    this.matched = true;
    this.loop = true;
  }

  /** Fetch and decode the sounds of a track; false if another track was asked for meanwhile. */
  async load(entry) {
    this.pause();
    this.entry = entry;
    const addresses = await loadScript(entry.file);
    const decoder = new OfflineAudioContext(2, 1, 44100);
    const decoded = await Promise.all(Object.entries(addresses).map(
      async ([key, address]) => [key, await decoder.decodeAudioData(bytesOf(address))]));
    if (this.entry !== entry) return false;
    this.buffers = new Map(decoded);
    this.levels = new Map(entry.signals.map((signal) => [signal.key, signal.gain]));
    this.duration = Math.min(entry.seconds, ...decoded.map(([, buffer]) => buffer.duration));
    if (this.errors) this.errors = errorsOf(entry, this.buffers);
    this.offset = 0;
    return true;
  }

  get playing() { return this.voices !== null; }

  /** Where in the excerpt the sound is, in seconds. */
  get position() {
    if (!this.playing) return this.offset;
    const run = Math.max(this.startedFrom, this.context.currentTime - this.startedAt);
    return this.loop ? run % this.duration : Math.min(run, this.duration);
  }

  async play() {
    if (this.playing || !this.buffers.size) return;
    this.context ??= new AudioContext();
    await this.context.resume();
    if (this.playing) return;
    this.startedFrom = this.offset % this.duration;
    const voices = this.startTogether();
    this.voices = voices;
    voices.values().next().value.source.addEventListener("ended", () => {
      if (this.voices === voices) { this.stop(); this.offset = 0; this.changed(); }
    });
    this.changed();
  }

  /** A sound that is told to start at a time that has passed begins late, and stays behind the others for good. */
  startTogether() {
    for (let lead = LEAD_SECONDS; ; lead *= 2) {
      const voices = this.makeVoices(); // before the time is looked at: it takes some
      const start = this.context.currentTime + lead;
      voices.forEach(({ source }) => source.start(start, this.startedFrom));
      this.startedAt = start - this.startedFrom;
      if (this.context.currentTime < start) return voices;
      voices.forEach(({ source, gain }) => { source.stop(); gain.disconnect(); });
    }
  }

  makeVoices() {
    const voices = new Map();
    for (const key of this.buffers.keys()) {
      const buffer = this.soundOf(key);
      const source = new AudioBufferSourceNode(this.context, { buffer, loop: this.loop, loopEnd: this.duration });
      const gain = new GainNode(this.context, { gain: key === this.key ? this.levelOf(key) : 0 });
      source.connect(gain).connect(this.context.destination);
      voices.set(key, { source, gain });
    }
    return voices;
  }

  pause() {
    if (!this.playing) return;
    this.offset = this.position;
    this.stop();
    this.changed();
  }

  stop() {
    const end = this.context.currentTime + 5 * FADE_SECONDS;
    for (const { source, gain } of this.voices.values()) {
      gain.gain.setTargetAtTime(0, this.context.currentTime, FADE_SECONDS);
      source.stop(end);
    }
    this.voices = null;
  }

  seek(seconds) {
    const again = this.playing;
    if (again) this.stop();
    this.offset = Math.max(0, Math.min(seconds, this.duration - 0.01));
    if (again) this.play();
  }

  /** Hear another sound, at the same place. */
  select(key) {
    this.key = key;
    this.mix();
    this.changed();
  }

  /** Hear of each estimate only where it differs from the truth; and back. */
  setErrors(on) {
    const again = this.playing;
    this.pause();
    this.errors = on ? errorsOf(this.entry, this.buffers) : null;
    if (again) this.play();
  }

  soundOf(key) { return this.errors?.get(key) ?? this.buffers.get(key); }

  setMatched(matched) { this.matched = matched; this.mix(); }

  setLoop(loop) {
    if (this.playing) {
      this.startedAt = this.context.currentTime - this.position;
      this.startedFrom = 0;
    }
    this.loop = loop;
    this.voices?.forEach(({ source }) => { source.loop = loop; });
  }

  mix() {
    this.voices?.forEach(({ gain }, key) => {
      gain.gain.setTargetAtTime(key === this.key ? this.levelOf(key) : 0, this.context.currentTime, FADE_SECONDS);
    });
  }

  levelOf(key) { return this.matched ? 10 ** (this.levels.get(key) / 20) : 1; }
}
