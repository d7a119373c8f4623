/** The ring of an offer: a soft rising third, twice every two and a half seconds. */

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

/**
 * Ring for `seconds` or until the returned function is called. All of it is scheduled on the audio
 * clock at once: timers of a tab in the background are throttled, and that is when it must ring.
 */
export function ring(seconds: number): () => void {
  const { context } = audioEngine();
  const volume = new GainNode(context, { gain: loadChoice().ringVolume });
  volume.connect(context.destination);
  const start = context.currentTime + 0.02;
  for (let at = 0; at < seconds; at += PERIOD_SECONDS) {
    for (const { hertz, at: offset } of NOTES) {
      note(context, volume, hertz, start + at + offset);
    }
  }
  return () => volume.disconnect();
}
