/** What the screen shows, derived from the floor. */

import type { CallView, OfferView, OperatorView } from '../wire';
import type { EndedCall, Floor } from './floor';

export const latestRisk = (call: CallView): number => call.points.at(-1)?.risk ?? 0;

export type RiskBand = 'calm' | 'watch' | 'high';

/**
 * Bands for the eye only: whether a call is handed over is decided by the server. High begins where
 * the default policy lets the AI do nothing irreversible any more.
 */
export const RISK_WATCH = 0.2;
export const RISK_HIGH = 0.35;

export function riskBand(risk: number): RiskBand {
  return risk >= RISK_HIGH ? 'high' : risk >= RISK_WATCH ? 'watch' : 'calm';
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
