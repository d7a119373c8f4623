import { describe, expect, it } from 'vitest';
import { EMPTY_FLOOR, type Floor } from './floor';
import type { CallView, Point } from '../wire';
import { atRisk, brief, call, offer, operator, point } from './samples';
import {
  canTake,
  colleagues,
  foremostOffer,
  holdOrder,
  liveCalls,
  riskBand,
  riskRule,
  selectedCall,
} from './views';

const withCalls = (...calls: ReturnType<typeof call>[]): Floor => ({
  ...EMPTY_FLOOR,
  calls: Object.fromEntries(calls.map((c) => [c.call_id, c])),
});

it('lists calls by risk, then the older first', () => {
  const floor = withCalls(
    atRisk('young', 0.4, 2000),
    atRisk('old', 0.4, 1000),
    atRisk('high', 0.8),
    call({ call_id: 'new' }),
  );
  expect(liveCalls(floor).map((c) => c.call_id)).toEqual(['high', 'old', 'young', 'new']);
});

it('holds rows still while a pointer is among them', () => {
  const calls = [atRisk('a', 0.9), atRisk('b', 0.5), atRisk('new', 0.4)];
  expect(holdOrder(calls, ['b', 'gone', 'a']).map((c) => c.call_id)).toEqual(['b', 'a', 'new']);
});

it('bands risk by the marks that the call is held to', () => {
  const bands = (low: number | null, high: number | null): string[] =>
    [0.1, 0.2, 0.3, 0.4].map((risk) => riskBand(point(1, { risk, low, high })));
  expect(bands(0.2, 0.35)).toEqual(['calm', 'calm', 'watch', 'high']);
  expect(bands(0.05, 0.15)).toEqual(['watch', 'high', 'high', 'high']);
  expect(bands(null, null)).toEqual(['calm', 'calm', 'calm', 'calm']);
  expect(riskBand(undefined)).toBe('calm');
});

describe('the rule of risk, in words', () => {
  const rule = (change: Partial<Point>, of: Partial<CallView> = {}) =>
    riskRule(call({ points: [point(1), point(2, change)], ...of }));

  it('names both marks', () => {
    expect(rule({ low: 0.186, high: 0.329 })).toEqual({
      high: 'Person called above 33',
      low: 'above 19 twice in a row',
      note: null,
    });
    expect(rule({}, { low_turns: 6 }).low).toBe('above 20 6 times in a row');
  });

  it('names one when the lower counts at once', () => {
    const once = rule({ low: 0.2, high: 0.5 }, { low_turns: 1 });
    expect([once.high, once.low]).toEqual(['Person called above 20', null]);
  });

  it('leaves out what no risk reaches, and begins at nothing', () => {
    expect(rule({ low: -0.1, high: 1.2 })).toEqual({
      high: null,
      low: 'above 0 twice in a row',
      note: null,
    });
  });

  it('says when risk does not decide, or not now', () => {
    expect(rule({ low: null, high: null }).note).toBe('Risk alone brings no person here');
    expect(rule({}, { armed: false }).note).toBe('not until the call is calm again');
    expect(rule({}, { armed: false, state: 'operator' }).note).toBeNull();
    expect(riskRule(call())).toEqual({ high: null, low: null, note: null });
  });
});

it('finds the selected call among the live and the ended', () => {
  const ended = { call: call({ call_id: 'over' }), outcome: 'automated', at: 1 } as const;
  const floor: Floor = { ...withCalls(call()), ended: [ended] };
  expect(selectedCall(floor)).toBeNull();
  expect(selectedCall({ ...floor, selected: 'c-1' })).toEqual({ call: call(), ended: null });
  expect(selectedCall({ ...floor, selected: 'over' })).toEqual({ call: ended.call, ended });
  expect(selectedCall({ ...floor, selected: 'nobody' })).toBeNull();
});

it('shows the most urgent offer, then the one that lapses first', () => {
  const low = offer({ offer_id: 'low', brief: brief({ urgency: 'low' }), expires_at: 1 });
  const late = offer({ offer_id: 'late', brief: brief({ urgency: 'critical' }), expires_at: 9 });
  const soon = offer({ offer_id: 'soon', brief: brief({ urgency: 'critical' }), expires_at: 5 });
  expect(foremostOffer([])).toBeNull();
  expect(foremostOffer([low, late, soon])?.offer_id).toBe('soon');
});

it('lets a call be taken only from the AI, and only by somebody who is free', () => {
  const free = withCalls(call());
  const taken = (state: 'ai' | 'waiting' | 'bridging' | 'operator' | 'ended'): boolean =>
    canTake(free, call({ state }));
  expect([taken('ai'), taken('waiting')]).toEqual([true, true]);
  expect([taken('bridging'), taken('operator'), taken('ended')]).toEqual([false, false, false]);
  const busy: Floor = { ...free, bridge: { callId: 'c-9', epoch: 1, since: 0 } };
  expect(canTake(busy, call())).toBe(false);
});

it('lists colleagues, those who can help first, without me', () => {
  const people = [
    operator({ operator_id: 'me', name: 'Me' }),
    operator({ operator_id: 'z', name: 'Zoe' }),
    operator({ operator_id: 'a', name: 'Ann', presence: 'away' }),
    operator({ operator_id: 'b', name: 'Bo' }),
    operator({ operator_id: 'c', name: 'Cy', presence: 'in_call', call_id: 'c-1' }),
  ];
  const floor: Floor = {
    ...EMPTY_FLOOR,
    me: people[0] ?? null,
    operators: Object.fromEntries(people.map((p) => [p.operator_id, p])),
  };
  expect(colleagues(floor).map(({ name }) => name)).toEqual(['Bo', 'Zoe', 'Cy', 'Ann']);
});
