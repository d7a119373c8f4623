import { expect, it } from 'vitest';
import { call } from '../../state/samples';
import { chartData, chartEnd } from './chart-options';

it('plots against the seconds of the call', () => {
  const points = [
    { turn: 1, at: 1005, confidence: 0.9, risk: 0.1 },
    { turn: 2, at: 1017, confidence: 0.4, risk: 0.7 },
  ];
  expect(chartData(call({ started_at: 1000, points }))).toEqual([
    [5, 17],
    [0.9, 0.4],
    [0.1, 0.7],
  ]);
});

it('shows a minute at least and leaves room to grow', () => {
  expect(chartEnd(0)).toBe(60);
  expect(chartEnd(30)).toBe(60);
  expect(chartEnd(100)).toBe(120);
});
