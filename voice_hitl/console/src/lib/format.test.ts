import { expect, it } from 'vitest';
import { ago, clock, figure, initials, percent, words } from './format';

it('writes durations as a phone does', () => {
  expect([0, 9.9, 61, 3599, 3600, 36061, -5].map(clock)).toEqual([
    '0:00',
    '0:09',
    '1:01',
    '59:59',
    '1:00:00',
    '10:01:01',
    '0:00',
  ]);
});

it('says roughly how long ago', () => {
  expect([-1, 0, 59, 60, 3599, 3600].map(ago)).toEqual([
    'just now',
    'just now',
    'just now',
    '1 min ago',
    '59 min ago',
    'over an hour ago',
  ]);
});

it('rounds probabilities to whole per cent', () => {
  expect([0, 0.004, 0.625, 1].map(percent)).toEqual(['0', '0', '63', '100']);
});

it('gives figures their unit', () => {
  expect(figure(0.1234, 'share')).toBe('12.3 %');
  expect(figure(42, 'seconds')).toBe('42.0 s');
  expect(figure(0.0471, 'score')).toBe('0.047');
});

it('turns identifiers into words', () => {
  expect(words('lost_or_stolen_card')).toBe('Lost or stolen card');
  expect(words('amount')).toBe('Amount');
  expect(words('')).toBe('');
});

it('takes the first and last initial', () => {
  expect(['Dana Okafor', 'ada', 'Jo van der Berg', ''].map(initials)).toEqual([
    'DO',
    'A',
    'JB',
    '',
  ]);
});
