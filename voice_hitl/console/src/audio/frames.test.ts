import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame, FRAME_BYTES, FRAME_SAMPLES, toFloat, toInt16 } from './frames';

const samples = fc
  .array(fc.integer({ min: -32768, max: 32767 }), {
    minLength: FRAME_SAMPLES,
    maxLength: FRAME_SAMPLES,
  })
  .map((values) => Int16Array.from(values));

describe('the frame format', () => {
  it('brings back what was sent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), samples, (sequence, sound) => {
        expect(decodeFrame(encodeFrame(sequence, sound))).toEqual({ sequence, samples: sound });
      }),
      { numRuns: 50 },
    );
  });

  it('is little-endian, 324 bytes', () => {
    const sound = new Int16Array(FRAME_SAMPLES);
    sound[0] = -2;
    const bytes = new Uint8Array(encodeFrame(0x01020304, sound));
    expect(bytes.length).toBe(324);
    expect([...bytes.slice(0, 6)]).toEqual([4, 3, 2, 1, 0xfe, 0xff]);
  });

  it('refuses anything that is not one frame', () => {
    expect(decodeFrame(new ArrayBuffer(0))).toBeNull();
    expect(decodeFrame(new ArrayBuffer(FRAME_BYTES - 1))).toBeNull();
    expect(decodeFrame(new ArrayBuffer(FRAME_BYTES + 1))).toBeNull();
    expect(() => encodeFrame(0, new Int16Array(159))).toThrow(RangeError);
  });

  it('clips floats and keeps quiet sound to half a step', () => {
    expect([...toInt16(Float32Array.of(2, -2, 0, 0.5))]).toEqual([32767, -32767, 0, 16384]);
    const quiet = Float32Array.of(0.001, -0.25);
    const back = toFloat(toInt16(quiet));
    expect(Math.abs((back[0] ?? 1) - 0.001)).toBeLessThan(1 / 16384);
    expect(Math.abs((back[1] ?? 1) + 0.25)).toBeLessThan(1 / 16384);
  });
});
