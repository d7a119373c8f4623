import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_SAMPLES, FRAME_SECONDS } from './frames';
import { JitterBuffer } from './jitter';

/** A frame whose samples all carry its number, so that what is played can be recognized. */
const frame = (n: number): Int16Array => new Int16Array(FRAME_SAMPLES).fill(100 * (n + 1));

/** The number of the frame that a stretch of sound comes from, read past the cross-fade. */
const heard = (sound: Float32Array): number => Math.round(((sound[80] ?? 0) * 32768) / 100) - 1;

/** A tone cut into frames, continuous across them. */
const tone = (n: number): Int16Array =>
  Int16Array.from({ length: FRAME_SAMPLES }, (_, k) =>
    Math.round(8000 * Math.sin((2 * Math.PI * 310 * (n * FRAME_SAMPLES + k)) / 8000)),
  );

const steepest = (sound: readonly number[]): number =>
  Math.max(...sound.slice(1).map((x, n) => Math.abs(x - (sound[n] ?? 0))));

/** Deliver and play in step for `count` frames; `delay(n)` in seconds after the frame was made. */
function play(
  buffer: JitterBuffer,
  count: number,
  delay: (n: number) => number,
  sound: (n: number) => Int16Array = frame,
): Float32Array[] {
  const arrivals = Array.from({ length: count }, (_, n) => ({
    n,
    at: n * FRAME_SECONDS + delay(n),
  }));
  const out: Float32Array[] = [];
  for (let tick = 0; tick < count; tick += 1) {
    const now = (tick + 0.5) * FRAME_SECONDS;
    while (arrivals[0] !== undefined && arrivals[0].at <= now) {
      const { n, at } = arrivals[0];
      buffer.push(n, sound(n), at);
      arrivals.shift();
    }
    out.push(buffer.pull(FRAME_SAMPLES));
  }
  return out;
}

describe('an even stream', () => {
  it('starts after 40 ms and then plays every frame once, in order', () => {
    const buffer = new JitterBuffer();
    const played = play(buffer, 100, () => 0);
    expect(played[0]?.every((x) => x === 0)).toBe(true);
    expect(played.slice(1).map(heard)).toEqual(Array.from({ length: 99 }, (_, n) => n));
    expect(buffer.stats()).toMatchObject({ targetMs: 40, concealed: 0, dropped: 0, late: 0 });
  });

  it('is silent before anything arrives', () => {
    expect(new JitterBuffer().pull(500).every((x) => x === 0)).toBe(true);
  });

  it('fills blocks of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 20 }), (sizes) => {
        const buffer = new JitterBuffer();
        for (const n of [0, 1, 2, 3, 4, 5]) {
          buffer.push(n, frame(n), n * FRAME_SECONDS);
        }
        for (const size of sizes) {
          expect(buffer.pull(size).length).toBe(size);
        }
      }),
    );
  });
});

describe('an uneven stream', () => {
  it('aims for what the recent arrivals need, never outside 40 to 120 ms', () => {
    const buffer = new JitterBuffer();
    play(buffer, 100, (n) => (n % 10 === 9 ? 0.05 : 0));
    expect(buffer.stats().targetMs).toBe(80);
    const wild = new JitterBuffer();
    play(wild, 100, (n) => (n % 20 === 19 ? 0.3 : 0));
    expect(wild.stats().targetMs).toBe(120);
  });

  it('comes back to a short delay once the stream is even again', () => {
    const buffer = new JitterBuffer();
    play(buffer, 600, (n) => (n < 100 && n % 10 === 9 ? 0.09 : 0));
    const { targetMs, depthMs } = buffer.stats();
    expect(targetMs).toBe(40);
    expect(depthMs).toBeLessThanOrEqual(60);
  });

  it('never keeps more than 200 ms: the oldest go', () => {
    const buffer = new JitterBuffer();
    for (let n = 0; n < 40; n += 1) {
      buffer.push(n, frame(n), n * 0.001);
      expect(buffer.stats().depthMs).toBeLessThanOrEqual(200);
    }
    expect(buffer.stats().dropped).toBeGreaterThan(0);
    const played = Array.from({ length: 10 }, () => heard(buffer.pull(FRAME_SAMPLES)));
    expect(Math.max(...played)).toBe(39);
  });

  it('drains what a sender with a fast clock piles up', () => {
    const buffer = new JitterBuffer();
    let sent = 0;
    for (let tick = 0; tick < 3000; tick += 1) {
      // 1 % fast: a hundred and one frames in the time of a hundred.
      while (sent * FRAME_SECONDS * 0.99 <= tick * FRAME_SECONDS) {
        buffer.push(sent, frame(0), tick * FRAME_SECONDS);
        sent += 1;
      }
      buffer.pull(FRAME_SAMPLES);
    }
    expect(buffer.stats().depthMs).toBeLessThanOrEqual(140);
    expect(buffer.stats().dropped).toBeGreaterThan(10);
  });
});

describe('what is missing', () => {
  it('is concealed without shifting what follows', () => {
    const buffer = new JitterBuffer();
    for (const n of [0, 1, 2, 4, 5, 6]) {
      buffer.push(n, frame(n), n * FRAME_SECONDS);
    }
    const played = Array.from({ length: 7 }, () => buffer.pull(FRAME_SAMPLES));
    expect(played.map(heard).filter((_, n) => n !== 3)).toEqual([0, 1, 2, 4, 5, 6]);
    expect(Math.abs(played[3]?.[0] ?? 0)).toBeGreaterThan(0);
    expect(buffer.stats().concealed).toBe(1);
  });

  it('fades to silence within three frames and waits for a fresh start', () => {
    const buffer = new JitterBuffer();
    play(buffer, 10, () => 0);
    const rest = Array.from({ length: 8 }, () => buffer.pull(FRAME_SAMPLES));
    expect(rest[7]?.every((x) => x === 0)).toBe(true);
    buffer.push(10, frame(10), 1);
    expect(buffer.pull(FRAME_SAMPLES).every((x) => x === 0)).toBe(true);
  });

  it('leaves no click: nothing is steeper than the sound itself', () => {
    const buffer = new JitterBuffer();
    const smooth = play(new JitterBuffer(), 50, () => 0, tone).flatMap((x) => [...x]);
    const holes = new Set([12, 20, 21, 33]);
    const sound: number[] = [];
    for (let n = 0; n < 50; n += 1) {
      if (!holes.has(n)) {
        buffer.push(n, tone(n), n * FRAME_SECONDS);
      }
      sound.push(...buffer.pull(FRAME_SAMPLES));
    }
    expect(buffer.stats().concealed).toBeGreaterThan(0);
    expect(steepest(sound)).toBeLessThan(1.5 * steepest(smooth));
  });

  it('does not play what comes too late', () => {
    const buffer = new JitterBuffer();
    play(buffer, 20, () => 0);
    buffer.push(3, frame(3), 1);
    expect(buffer.stats().late).toBe(1);
  });
});

it('takes a jump of the sequence for another stream', () => {
  const buffer = new JitterBuffer();
  play(buffer, 20, () => 0);
  for (const n of [5000, 5001, 5002]) {
    buffer.push(n, frame(n - 5000), 10 + n * FRAME_SECONDS);
  }
  const played = Array.from({ length: 3 }, () => heard(buffer.pull(FRAME_SAMPLES)));
  expect(played).toEqual([0, 1, 2]);
  expect(buffer.stats().late).toBe(0);
});

it('survives any arrivals', () => {
  const arrivals = fc.array(
    fc.record({
      sequence: fc.integer({ min: 0, max: 600 }),
      wait: fc.float({ min: 0, max: Math.fround(0.5), noNaN: true }),
      pulls: fc.integer({ min: 0, max: 4 }),
    }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(arrivals, (events) => {
      const buffer = new JitterBuffer();
      let now = 0;
      for (const { sequence, wait, pulls } of events) {
        now += wait;
        buffer.push(sequence, frame(1), now);
        for (let n = 0; n < pulls; n += 1) {
          expect(buffer.pull(FRAME_SAMPLES).every(Number.isFinite)).toBe(true);
        }
        const { depthMs, targetMs } = buffer.stats();
        expect(depthMs).toBeLessThanOrEqual(200);
        expect(targetMs).toBeGreaterThanOrEqual(40);
        expect(targetMs).toBeLessThanOrEqual(120);
      }
    }),
  );
});
