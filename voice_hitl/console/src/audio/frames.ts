/** The wire format of `/ws/audio`: a sequence number and 20 ms of sound, little-endian, both ways. */

export const RATE = 8000;
export const FRAME_SAMPLES = 160;
export const FRAME_SECONDS = FRAME_SAMPLES / RATE;
const HEAD_BYTES = 4;
export const FRAME_BYTES = HEAD_BYTES + 2 * FRAME_SAMPLES;

export interface Frame {
  readonly sequence: number;
  readonly samples: Int16Array<ArrayBuffer>;
}

/** Pack one frame; `sequence` wraps at 2^32 as the wire's uint32 does. */
export function encodeFrame(sequence: number, samples: Int16Array): ArrayBuffer {
  if (samples.length !== FRAME_SAMPLES) {
    throw new RangeError(`a frame has ${FRAME_SAMPLES} samples, not ${samples.length}`);
  }
  const bytes = new ArrayBuffer(FRAME_BYTES);
  const view = new DataView(bytes);
  view.setUint32(0, sequence >>> 0, true);
  for (const [index, sample] of samples.entries()) {
    view.setInt16(HEAD_BYTES + 2 * index, sample, true);
  }
  return bytes;
}

/** Unpack one frame; anything that is not exactly one frame gives null. */
export function decodeFrame(bytes: ArrayBuffer): Frame | null {
  if (bytes.byteLength !== FRAME_BYTES) {
    return null;
  }
  const view = new DataView(bytes);
  const samples = new Int16Array(FRAME_SAMPLES);
  for (let index = 0; index < FRAME_SAMPLES; index += 1) {
    samples[index] = view.getInt16(HEAD_BYTES + 2 * index, true);
  }
  return { sequence: view.getUint32(0, true), samples };
}

/** Floats in [-1, 1] to 16 bits, clipped. */
export function toInt16(samples: Float32Array): Int16Array<ArrayBuffer> {
  return Int16Array.from(samples, (x) => Math.round(Math.max(-1, Math.min(1, x)) * 32767));
}

/** 16 bits to floats in [-1, 1). */
export function toFloat(samples: Int16Array): Float32Array {
  return Float32Array.from(samples, (x) => x / 32768);
}
