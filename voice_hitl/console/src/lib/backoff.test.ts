import { expect, it } from 'vitest';
import { backoff } from './backoff';

it('doubles from a quarter of a second and stays at eight', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 50].map((n) => backoff(n, 0))).toEqual([
    250, 500, 1000, 2000, 4000, 8000, 8000, 8000,
  ]);
});

it('is shortened by chance, by a quarter at most', () => {
  expect(backoff(2, 0.999)).toBeGreaterThan(750);
  expect(backoff(2, 0.5)).toBe(875);
});
