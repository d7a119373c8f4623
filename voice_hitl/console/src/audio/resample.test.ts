import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Resampler } from './resample';

const tone = (hertz: number, rate: number, seconds: number): Float32Array =>
  Float32Array.from({ length: rate * seconds }, (_, n) =>
    Math.sin((2 * Math.PI * hertz * n) / rate),
  );

const rms = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);

const db = (ratio: number): number => 20 * Math.log10(ratio);

/** Gain of a tone, in the middle of the signal where no edge is heard. */
function gain(hertz: number, from: number, to: number): number {
  const out = new Resampler(from, to).process(tone(hertz, from, 1));
  return db(rms(out.slice(out.length / 4, (3 * out.length) / 4)) * Math.SQRT2);
}

describe.each([
  [48000, 8000],
  [44100, 8000],
  [16000, 8000],
  [8000, 48000],
  [8000, 44100],
  [8000, 8000],
])('from %i to %i', (from, to) => {
  it('passes the telephone band', () => {
    for (const hertz of [300, 1000, 3200]) {
      expect(Math.abs(gain(hertz, from, to))).toBeLessThan(0.1);
    }
  });

  it('keeps the pitch: the output is the same tone at the new rate', () => {
    const out = new Resampler(from, to).process(tone(700, from, 0.5));
    const ideal = tone(700, to, 0.5);
    const skip = Math.round(to * 0.05);
    const difference = out.slice(skip, -skip).map((x, n) => x - (ideal[n + skip] ?? 0));
    expect(db(rms(difference))).toBeLessThan(-55);
  });
});

it('lets nothing above 4 kHz fold back', () => {
  for (const hertz of [4100, 5000, 7000, 12000]) {
    expect(gain(hertz, 48000, 8000)).toBeLessThan(-60);
  }
});

it('gives the same samples however the input is cut', () => {
  const input = tone(523, 48000, 0.1);
  const whole = new Resampler(48000, 8000).process(input);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1 }), (cuts) => {
      const resampler = new Resampler(48000, 8000);
      const parts: number[] = [];
      let at = 0;
      for (const cut of [...cuts, input.length]) {
        parts.push(...resampler.process(input.slice(at, at + cut)));
        at = Math.min(input.length, at + cut);
      }
      expect(parts).toEqual([...whole]);
    }),
    { numRuns: 30 },
  );
});

it('refuses rates that are no rates', () => {
  expect(() => new Resampler(0, 8000)).toThrow(RangeError);
  expect(() => new Resampler(44100.5, 8000)).toThrow(RangeError);
});
