/**
 * Streaming sample rate conversion by a rational factor: a polyphase Kaiser-windowed sinc.
 *
 * Design (Kaiser's formulas): 70 dB stop band needs beta = 0.1102 (70 - 8.7) = 6.8; with 24 zero
 * crossings a side the transition is 0.18 of the lower Nyquist frequency, so a cut-off at 0.91
 * passes 3.3 kHz untouched and leaves nothing above 4 kHz to fold back. Delay: 3 ms at 8 kHz.
 */

const ZERO_CROSSINGS = 24;
const BETA = 6.8;
const CUT_OFF = 0.91;

/** Modified Bessel function of the first kind, order zero, by its power series. */
function bessel0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Coefficients for each of `up` phases; tap k of phase p stands at k - half + 1 - p / up. */
function phases(up: number, half: number, cutOff: number): Float32Array[] {
  return Array.from({ length: up }, (_, phase) => {
    const taps = Float32Array.from({ length: 2 * half }, (_, k) => {
      const x = k - half + 1 - phase / up;
      const edge = Math.sqrt(Math.max(0, 1 - (x / half) ** 2));
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutOff * x) / (Math.PI * cutOff * x);
      return sinc * bessel0(BETA * edge);
    });
    const sum = taps.reduce((total, tap) => total + tap, 0);
    return taps.map((tap) => tap / sum);
  });
}

export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #half: number;
  readonly #phases: Float32Array[];
  #input: Float32Array;
  /** Index in `#input` of the sample at or before the next output, and the phase past it. */
  #position: number;
  #phase = 0;

  /** Rates in Hz, whole numbers. */
  constructor(from: number, to: number) {
    if (!Number.isInteger(from) || !Number.isInteger(to) || from <= 0 || to <= 0) {
      throw new RangeError(`sample rates must be whole and positive, not ${from} and ${to}`);
    }
    const common = gcd(from, to);
    this.#up = to / common;
    this.#down = from / common;
    const ratio = Math.min(1, to / from);
    this.#half = Math.ceil(ZERO_CROSSINGS / ratio);
    this.#phases = phases(this.#up, this.#half, CUT_OFF * ratio);
    this.#position = this.#half - 1;
    this.#input = new Float32Array(this.#position);
  }

  /** Take any number of samples, return those that can be computed so far. */
  process(samples: Float32Array): Float32Array {
    const input = new Float32Array(this.#input.length + samples.length);
    input.set(this.#input);
    input.set(samples, this.#input.length);
    const output: number[] = [];
    while (this.#position + this.#half < input.length) {
      output.push(this.#dot(input));
      this.#phase += this.#down;
      this.#position += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    const spent = Math.min(this.#position - this.#half + 1, input.length);
    this.#input = input.slice(spent);
    this.#position -= spent;
    return Float32Array.from(output);
  }

  #dot(input: Float32Array): number {
    const taps = this.#phases[this.#phase] ?? new Float32Array();
    const start = this.#position - this.#half + 1;
    let sum = 0;
    for (let k = 0; k < taps.length; k += 1) {
      sum += (taps[k] ?? 0) * (input[start + k] ?? 0);
    }
    return sum;
  }
}
