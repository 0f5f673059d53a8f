// A short quiet sound for what is new, made here so that nothing is loaded.
let context: AudioContext | undefined;
let lastAt = Number.NEGATIVE_INFINITY;

/** So long nothing sounds again: a burst of messages is one. */
const PAUSE_MS = 2_000;
const NOTES = [660, 880];

/** Sounds, where the browser lets a page do so: it wants a touch first. */
export function chime(): void {
  if (performance.now() - lastAt < PAUSE_MS) return;
  lastAt = performance.now();
  try {
    context ??= new AudioContext();
    const { destination, currentTime } = context;
    void context.resume().catch(() => {});
    for (const [index, frequency] of NOTES.entries()) {
      const begin = currentTime + index * 0.12;
      const [tone, volume] = [context.createOscillator(), context.createGain()];
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0, begin);
      volume.gain.linearRampToValueAtTime(0.12, begin + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.3);
      tone.connect(volume).connect(destination);
      tone.start(begin);
      tone.stop(begin + 0.32);
    }
  } catch {
    // a device without sound
  }
}
