/** What the screen shows, derived from the floor. */

import { percent } from '../lib/format';
import type { CallView, OfferView, OperatorView, Point } from '../wire';
import type { EndedCall, Floor } from './floor';

export const latestRisk = (call: CallView): number => call.points.at(-1)?.risk ?? 0;

export type RiskBand = 'calm' | 'watch' | 'high';

/** Where a call's risk stands to the marks that it was held to in that turn. */
export function riskBand(point: Point | undefined): RiskBand {
  if (point === undefined || point.low === null || point.high === null) {
    return 'calm';
  }
  return point.risk > point.high ? 'high' : point.risk > point.low ? 'watch' : 'calm';
}

/** Confidence and risk over the call, as far as they are known here. */
export function curveOf(floor: Pick<Floor, 'curves'>, call: CallView): readonly Point[] {
  return floor.curves[call.call_id] ?? call.points;
}

/** What risk above a mark leads to, in words; empty before the first turn. */
export interface RiskRule {
  /** At once. */
  readonly high: string | null;
  /** After several turns in a row. */
  readonly low: string | null;
  /** What else there is to know of it. */
  readonly note: string | null;
}

const TIMES = ['', '', 'twice', 'three times', 'four times'] as const;

/** By which marks of risk a call is handed over, as its policy has it now. */
export function riskRule(call: CallView): RiskRule {
  const latest = call.points.at(-1);
  if (latest === undefined) {
    return { high: null, low: null, note: null };
  }
  const { low, high } = latest;
  if (low === null || high === null) {
    return { high: null, low: null, note: 'Risk alone brings no person here' };
  }
  const shown = (mark: number): string => percent(Math.max(0, mark));
  const often = TIMES[call.low_turns] ?? `${call.low_turns} times`;
  const once = call.low_turns === 1 ? low : high;
  return {
    high: once > 1 ? null : `Person called above ${shown(once)}`,
    low: call.low_turns === 1 || low > 1 ? null : `above ${shown(low)} ${often} in a row`,
    note: call.armed || call.state !== 'ai' ? null : 'not until the call is calm again',
  };
}

/** Live calls by risk; the older first among equals. */
export function liveCalls(floor: Pick<Floor, 'calls'>): CallView[] {
  return Object.values(floor.calls).sort(
    (a, b) => latestRisk(b) - latestRisk(a) || a.started_at - b.started_at,
  );
}

/**
 * Keep rows where they were while a pointer is among them: `order` is the former order of ids,
 * new calls go to the end.
 */
export function holdOrder(calls: readonly CallView[], order: readonly string[]): CallView[] {
  const rank = (call: CallView): number => {
    const at = order.indexOf(call.call_id);
    return at < 0 ? order.length : at;
  };
  return [...calls].sort((a, b) => rank(a) - rank(b));
}

/** The selected call, live or just ended. */
export function selectedCall(floor: Floor): { call: CallView; ended: EndedCall | null } | null {
  const id = floor.selected;
  if (id === null) {
    return null;
  }
  const live = floor.calls[id];
  if (live !== undefined) {
    return { call: live, ended: null };
  }
  const ended = floor.ended.find(({ call }) => call.call_id === id);
  return ended === undefined ? null : { call: ended.call, ended };
}

const URGENCY = { critical: 3, high: 2, medium: 1, low: 0 } as const;

/** The offer to show when several ring: the most urgent, then the one that lapses first. */
export function foremostOffer(offers: readonly OfferView[]): OfferView | null {
  const sorted = [...offers].sort(
    (a, b) => URGENCY[b.brief.urgency] - URGENCY[a.brief.urgency] || a.expires_at - b.expires_at,
  );
  return sorted[0] ?? null;
}

/** Whether this operator may take the call although it was not offered. */
export function canTake(floor: Floor, call: CallView): boolean {
  return floor.bridge === null && (call.state === 'ai' || call.state === 'waiting');
}

/** Everybody else, those who can help first. */
export function colleagues(floor: Floor): OperatorView[] {
  const rank = { available: 0, offered: 1, in_call: 2, wrap_up: 3, break: 4, away: 5 } as const;
  return Object.values(floor.operators)
    .filter(({ operator_id }) => operator_id !== floor.me?.operator_id)
    .sort((a, b) => rank[a.presence] - rank[b.presence] || a.name.localeCompare(b.name));
}
