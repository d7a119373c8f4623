import { expect, it } from 'vitest';
import { SampleFifo } from './fifo';

it('gives samples in order, in whatever size is asked for, never fewer', () => {
  const fifo = new SampleFifo();
  fifo.push(Float32Array.of(1, 2, 3));
  expect(fifo.take(4)).toBeNull();
  fifo.push(Float32Array.of(4, 5));
  expect(fifo.take(4)).toEqual(Float32Array.of(1, 2, 3, 4));
  expect(fifo.length).toBe(1);
  expect(fifo.take(1)).toEqual(Float32Array.of(5));
  expect(fifo.take(1)).toBeNull();
});
