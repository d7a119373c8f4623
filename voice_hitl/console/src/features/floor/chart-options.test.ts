import { expect, it } from 'vitest';
import { point } from '../../state/samples';
import { chartData, chartEnd, markCorners } from './chart-options';

it('plots against the seconds of the call', () => {
  const points = [
    point(1, { at: 1005, confidence: 0.9, risk: 0.1 }),
    point(2, { at: 1017, confidence: 0.4, risk: 0.7, low: null, high: null }),
  ];
  expect(chartData(points, 1000)).toEqual([
    [5, 17],
    [0.9, 0.4],
    [0.1, 0.7],
    [0.2, null],
    [0.35, null],
  ]);
});

it('draws a mark as it stood in every turn', () => {
  expect(markCorners([5, 17, 30], [0.3, 0.2, 0.2], 60)).toEqual([
    [
      [0, 0.3],
      [5, 0.3],
      [5, 0.2],
      [17, 0.2],
      [17, 0.2],
      [60, 0.2],
    ],
  ]);
});

it('draws no mark that is none, or that no risk can reach', () => {
  expect(markCorners([5, 17, 30], [-0.1, null, 1.4], 60)).toEqual([
    [
      [0, 0],
      [5, 0],
    ],
  ]);
  expect(markCorners([], [], 60)).toEqual([]);
});

it('shows a minute at least and leaves room to grow', () => {
  expect(chartEnd(0)).toBe(60);
  expect(chartEnd(30)).toBe(60);
  expect(chartEnd(100)).toBe(120);
});
