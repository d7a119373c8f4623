/** Loudness for the meters. */

const FLOOR_DB = -60;

/** Root mean square of 16-bit samples in dB full scale; silence is -Infinity. */
export function decibels(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) {
    sum += sample * sample;
  }
  return 10 * Math.log10(sum / Math.max(1, samples.length) / 32768 ** 2);
}

/** Where a meter stands: -60 dB and below is 0, full scale 1. */
export function meterPosition(db: number): number {
  return Math.max(0, Math.min(1, 1 - db / FLOOR_DB));
}
