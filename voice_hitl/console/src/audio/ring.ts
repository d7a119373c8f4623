/** What is heard of an offer (a soft rising third, over and over) and of an approval (once). */

import { loadChoice } from './devices';
import { audioEngine } from './engine';

const PERIOD_SECONDS = 2.5;
const NOTE_SECONDS = 0.5;
/** Pitch (Hz) and start (seconds) of each note of a period. */
const NOTES = [
  { hertz: 659.3, at: 0 },
  { hertz: 830.6, at: 0.18 },
  { hertz: 659.3, at: 0.6 },
  { hertz: 830.6, at: 0.78 },
] as const;

function note(context: AudioContext, out: AudioNode, hertz: number, at: number): void {
  const tone = new OscillatorNode(context, { type: 'triangle', frequency: hertz });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.25, at + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.0001, at + NOTE_SECONDS);
  tone.connect(gain).connect(out);
  tone.start(at);
  tone.stop(at + NOTE_SECONDS);
}

function loudness(): GainNode {
  const { context } = audioEngine();
  const volume = new GainNode(context, { gain: loadChoice().ringVolume });
  volume.connect(context.destination);
  return volume;
}

/** Sound once, lower than a ring and falling: something waits for an answer. */
export function chime(): () => void {
  const { context } = audioEngine();
  const volume = loudness();
  const start = context.currentTime + 0.02;
  note(context, volume, 587.3, start);
  note(context, volume, 440, start + 0.22);
  return () => volume.disconnect();
}

/**
 * Ring for `seconds` or until the returned function is called. All of it is scheduled on the audio
 * clock at once: timers of a tab in the background are throttled, and that is when it must ring.
 */
export function ring(seconds: number): () => void {
  const { context } = audioEngine();
  const volume = loudness();
  const start = context.currentTime + 0.02;
  for (let at = 0; at < seconds; at += PERIOD_SECONDS) {
    for (const { hertz, at: offset } of NOTES) {
      note(context, volume, hertz, start + at + offset);
    }
  }
  return () => volume.disconnect();
}
