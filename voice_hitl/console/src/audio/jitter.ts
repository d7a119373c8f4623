/**
 * The buffer between frames as they arrive and sound as it must leave: pure, one pull a few
 * milliseconds, no clock of its own.
 *
 * - It holds as much as the recent arrivals need: the spread of their transit times plus one
 *   frame, 40 to 120 ms.
 * - Older than 200 ms is too old to talk to: the oldest frames go. A depth that stays above need
 *   (a sender's clock that runs fast, a burst that passed) is drained a frame at a time.
 * - A missing frame is bridged by playing the last one backwards, then forwards, fading; that has
 *   no step where it joins. Every return to real sound is cross-faded.
 */

import { FRAME_SAMPLES, FRAME_SECONDS, toFloat } from './frames';

const MIN_TARGET = 2;
const MAX_TARGET = 6;
const MAX_DEPTH = 10;
const CONCEALED = 3;
const FADE = 32;
const WINDOW = 150;
/** A jump of the sequence by more than this is another stream, not a gap. */
const NEW_STREAM = 250;

export interface JitterStats {
  /** Sound in the buffer and the depth it aims for, milliseconds. */
  readonly depthMs: number;
  readonly targetMs: number;
  /** Frames made up, frames thrown away to stay close, frames that came too late. */
  readonly concealed: number;
  readonly dropped: number;
  readonly late: number;
}

export class JitterBuffer {
  #frames = new Map<number, Float32Array>();
  #next: number | null = null;
  #playing = false;
  #target = MIN_TARGET;
  #transits: number[] = [];
  #current = new Float32Array(0);
  #offset = 0;
  /** The last frame that left, and how often in a row it has been used to conceal. */
  #last = new Float32Array(FRAME_SAMPLES);
  #gain = 0;
  #missing = 0;
  #broken = true;
  #lowest = Infinity;
  #pulled = 0;
  #concealed = 0;
  #dropped = 0;
  #late = 0;

  /** A frame has arrived at `arrival` (seconds on any steady clock). */
  push(sequence: number, samples: Int16Array, arrival: number): void {
    if (this.#next !== null && Math.abs(sequence - this.#next) > NEW_STREAM) {
      this.#restart();
    }
    this.#next ??= sequence;
    this.#measure(arrival - sequence * FRAME_SECONDS);
    if (sequence < this.#next) {
      this.#late += 1;
      return;
    }
    this.#frames.set(sequence, toFloat(samples));
    if (this.#frames.size > MAX_DEPTH) {
      this.#dropOldest(this.#frames.size - this.#target);
    }
  }

  /** The next `count` samples to play; silence while there are none. */
  pull(count: number): Float32Array {
    const out = new Float32Array(count);
    let filled = 0;
    while (filled < count) {
      if (this.#offset === this.#current.length) {
        this.#current = this.#nextFrame();
        this.#offset = 0;
      }
      const part = this.#current.subarray(this.#offset, this.#offset + count - filled);
      out.set(part, filled);
      filled += part.length;
      this.#offset += part.length;
    }
    return out;
  }

  stats(): JitterStats {
    const ms = FRAME_SECONDS * 1000;
    return {
      depthMs: this.#frames.size * ms,
      targetMs: this.#target * ms,
      concealed: this.#concealed,
      dropped: this.#dropped,
      late: this.#late,
    };
  }

  #restart(): void {
    this.#frames.clear();
    this.#transits = [];
    this.#next = null;
    this.#playing = false;
    this.#broken = true;
  }

  /** The spread of recent transit times is what the buffer must be able to absorb. */
  #measure(transit: number): void {
    this.#transits.push(transit);
    if (this.#transits.length > WINDOW) {
      this.#transits.shift();
    }
    const spread = Math.max(...this.#transits) - Math.min(...this.#transits);
    // The small number forgives rounding: a spread of exactly one frame needs two, not three.
    const need = 1 + Math.ceil(spread / FRAME_SECONDS - 1e-6);
    this.#target = Math.max(MIN_TARGET, Math.min(MAX_TARGET, need));
  }

  #nextFrame(): Float32Array<ArrayBuffer> {
    this.#drain();
    if (!this.#playing && this.#frames.size >= this.#target) {
      this.#playing = true;
    }
    if (!this.#playing || this.#next === null) {
      return this.#fade();
    }
    const frame = this.#frames.get(this.#next);
    if (frame !== undefined) {
      this.#frames.delete(this.#next);
      this.#next += 1;
      return this.#deliver(frame);
    }
    if (this.#frames.size > 0) {
      // A hole, not a delay: what follows is here, so time goes on.
      this.#next += 1;
    } else if (this.#missing >= CONCEALED) {
      this.#playing = false;
      return this.#fade();
    }
    this.#concealed += 1;
    return this.#fade();
  }

  #deliver(frame: Float32Array): Float32Array<ArrayBuffer> {
    const out = new Float32Array(frame);
    if (this.#broken) {
      const tail = this.#continuation();
      for (let index = 0; index < FADE; index += 1) {
        const share = (index + 1) / (FADE + 1);
        out[index] = share * (out[index] ?? 0) + (1 - share) * this.#gain * (tail[index] ?? 0);
      }
    }
    this.#broken = false;
    this.#missing = 0;
    this.#gain = 1;
    this.#last = new Float32Array(frame);
    return out;
  }

  /** The last frame turned round, one step quieter; silence after a few. */
  #fade(): Float32Array<ArrayBuffer> {
    this.#missing += 1;
    this.#broken = true;
    const from = this.#gain;
    const to = Math.max(0, 1 - this.#missing / CONCEALED);
    this.#last = this.#continuation();
    this.#gain = to;
    return this.#last.map((x, index) => x * (from + ((to - from) * index) / FRAME_SAMPLES));
  }

  #continuation(): Float32Array<ArrayBuffer> {
    return this.#last.slice().reverse();
  }

  /** Once in a window: if the buffer never came down to what it needs, let one frame go. */
  #drain(): void {
    this.#pulled += 1;
    this.#lowest = Math.min(this.#lowest, this.#frames.size);
    if (this.#pulled < WINDOW / 3) {
      return;
    }
    if (this.#playing && this.#lowest > this.#target) {
      this.#dropOldest(1);
    }
    this.#pulled = 0;
    this.#lowest = Infinity;
  }

  #dropOldest(count: number): void {
    const oldest = [...this.#frames.keys()].sort((a, b) => a - b).slice(0, count);
    for (const sequence of oldest) {
      this.#frames.delete(sequence);
      this.#next = sequence + 1;
    }
    this.#dropped += oldest.length;
    this.#broken = true;
  }
}
