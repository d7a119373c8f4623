import { expect, it } from 'vitest';
import { decibels, meterPosition } from './level';

it('measures a full-scale square as 0 dB and silence as nothing', () => {
  expect(decibels(Int16Array.from({ length: 160 }, () => -32768))).toBeCloseTo(0, 6);
  expect(decibels(new Int16Array(160))).toBe(-Infinity);
  expect(decibels(Int16Array.from({ length: 160 }, () => 3277))).toBeCloseTo(-20, 1);
});

it('spans the meter from -60 dB to full scale', () => {
  expect(meterPosition(-Infinity)).toBe(0);
  expect(meterPosition(-60)).toBe(0);
  expect(meterPosition(-30)).toBeCloseTo(0.5);
  expect(meterPosition(3)).toBe(1);
});
