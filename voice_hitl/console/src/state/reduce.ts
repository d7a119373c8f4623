/** How the floor changes: a pure function of what was known and what happened. */

import type {
  CallGone,
  CallView,
  Hello,
  OfferOver,
  OfferView,
  Point,
  ServerMessage,
  TranscriptEntry,
} from '../wire';
import { answerTaken, approvalAsked, approvalOver } from './approvals';
import { auditOver, reviewAsked, reviewOver, reviewRevealed } from './reviews';
import {
  alerted,
  alertOver,
  callbackChanged,
  callbackOffered,
  restChanged,
  warningRaised,
} from './duties';
import { type Floor, type Link, OFFER_OVER, type Tone, type WrapUp, withNotice } from './floor';

export type FloorEvent =
  /** `at`: the page's clock, seconds since the epoch. */
  | { readonly kind: 'server'; readonly message: ServerMessage; readonly at: number }
  | { readonly kind: 'link'; readonly link: Link }
  | { readonly kind: 'select'; readonly callId: string | null }
  | { readonly kind: 'view'; readonly view: Floor['view'] }
  | { readonly kind: 'taking'; readonly id: string }
  | { readonly kind: 'answering'; readonly approvalId: string }
  /** Something to judge was asked for. */
  | { readonly kind: 'auditing' }
  /** The handoff of this call was judged, or will not be. */
  | { readonly kind: 'wrapped'; readonly callId: string }
  | { readonly kind: 'notice'; readonly tone: Tone; readonly title: string; readonly text: string }
  | { readonly kind: 'dismiss'; readonly notice: number };

const KEPT_ENDED = 6;
const KEPT_WRAP_UPS = 3;

export function reduce(floor: Floor, event: FloorEvent): Floor {
  switch (event.kind) {
    case 'server':
      return receive(floor, event.message, event.at);
    case 'link':
      // What was asked for and not answered is lost with the connection.
      return {
        ...floor,
        link: event.link,
        taking: event.link.status === 'open' ? floor.taking : null,
        answering: event.link.status === 'open' ? floor.answering : [],
        auditing: event.link.status === 'open' ? floor.auditing : 'idle',
      };
    case 'select':
      return forget({ ...floor, selected: event.callId, view: 'calls' });
    case 'view':
      return { ...floor, view: event.view };
    case 'taking':
      return { ...floor, taking: event.id };
    case 'answering':
      return { ...floor, answering: [...floor.answering, event.approvalId] };
    case 'auditing':
      return { ...floor, auditing: 'asked' };
    case 'wrapped':
      return { ...floor, wrapUps: floor.wrapUps.filter(({ callId }) => callId !== event.callId) };
    case 'notice':
      return withNotice(floor, event.tone, event.title, event.text);
    case 'dismiss':
      return { ...floor, notices: floor.notices.filter(({ id }) => id !== event.notice) };
  }
}

function receive(floor: Floor, message: ServerMessage, at: number): Floor {
  const now = at + floor.clockOffset;
  switch (message.type) {
    case 'hello':
      return hello(floor, message, at);
    case 'call':
      return {
        ...floor,
        calls: { ...floor.calls, [message.call.call_id]: message.call },
        curves: prolonged(floor.curves, [message.call]),
        selected: floor.selected ?? message.call.call_id,
      };
    case 'call_ended':
      return callEnded(floor, message, now);
    case 'transcript':
      return withTranscript(floor, message.call_id, (entries) =>
        // Before what is known here lies what was not asked for yet: a line of it would leave a gap.
        floor.cut.includes(message.call_id) && message.entry.seq < (entries[0]?.seq ?? 0)
          ? entries
          : put(entries, message.entry),
      );
    case 'transcript_all':
      return {
        ...withTranscript(floor, message.call_id, () => message.entries.reduce(put, [])),
        cut: cutOff(floor, message),
        curves: { ...floor.curves, [message.call_id]: message.points },
      };
    case 'transcript_earlier': {
      const lines = withTranscript(floor, message.call_id, (known) =>
        known.reduce(put, [...message.entries]),
      );
      return { ...lines, cut: cutOff(floor, message) };
    }
    case 'offer':
      return offered(floor, message.offer);
    case 'offer_over':
      return offerOver(floor, message);
    case 'approval':
      return approvalAsked(floor, message.approval);
    case 'approval_over':
      return approvalOver(floor, message);
    case 'answer':
      return answerTaken(floor, message);
    case 'review':
      return reviewAsked(floor, message.review);
    case 'review_reveal':
      return reviewRevealed(floor, message);
    case 'review_over':
      return reviewOver(floor, message);
    case 'audit':
      return {
        ...floor,
        audit: message.audit,
        auditing: message.audit === null ? 'nothing' : 'idle',
      };
    case 'audit_over':
      return auditOver(floor, message);
    case 'alert':
      return alerted(floor, message.alert);
    case 'alert_over':
      return alertOver(floor, message);
    case 'callback_offer':
      return callbackOffered(floor, message.offer);
    case 'callback':
      return callbackChanged(floor, message.callback);
    case 'rest':
      return restChanged(floor, message);
    case 'queue':
      return { ...floor, queue: message.queue };
    case 'warning':
      return warningRaised(floor, message.warning);
    case 'warning_over':
      return {
        ...floor,
        warnings: floor.warnings.filter(({ code }) => code !== message.code),
      };
    case 'bridged':
      return {
        ...floor,
        bridge: {
          callId: message.call_id,
          epoch: message.epoch,
          since: floor.bridge?.callId === message.call_id ? floor.bridge.since : now,
        },
        briefs:
          message.brief === null
            ? floor.briefs
            : { ...floor.briefs, [message.call_id]: message.brief },
        offers: floor.offers.filter(({ call_id }) => call_id !== message.call_id),
        selected: message.call_id,
        view: 'calls',
        taking: null,
      };
    case 'unbridged': {
      const over = NEVER_TALKED.includes(message.reason)
        ? { ...floor, bridge: floor.bridge?.callId === message.call_id ? null : floor.bridge }
        : offTheCall(floor, message.call_id);
      return withNotice(over, 'plain', 'You are off the call', message.message);
    }
    case 'operator': {
      const { operator } = message;
      const me = floor.me?.operator_id === operator.operator_id ? operator : floor.me;
      return {
        ...floor,
        me,
        operators: { ...floor.operators, [operator.operator_id]: operator },
      };
    }
    case 'operator_gone':
      return { ...floor, operators: without(floor.operators, message.operator_id) };
    case 'problem':
      return withNotice({ ...floor, taking: null }, 'bad', 'That did not work', message.message);
  }
}

function hello(floor: Floor, message: Hello, at: number): Floor {
  const calls = Object.fromEntries(message.calls.map((call) => [call.call_id, call]));
  const { bridge } = floor;
  const stillBridged =
    bridge !== null &&
    message.me.presence === 'in_call' &&
    message.me.call_id === bridge.callId &&
    bridge.callId in calls;
  const known: Floor = {
    ...floor,
    clockOffset: message.server_time - at,
    me: message.me,
    version: message.version,
    outdated: floor.outdated || (floor.version !== '' && floor.version !== message.version),
    guidelines: message.guidelines,
    operators: Object.fromEntries(message.operators.map((o) => [o.operator_id, o])),
    calls,
    curves: prolonged(floor.curves, message.calls),
    offers: [],
    approvals: message.approvals,
    answering: [],
    reviews: message.reviews.map((view) => ({ id: view.review_id, view, revealed: null })),
    audit: null,
    alerts: message.alerts,
    callbacks: message.callbacks,
    callbackOffers: message.callback_offers,
    queue: message.queue,
    warnings: [],
    bridge: stillBridged ? bridge : null,
    taking: null,
    selected: floor.selected ?? riskiest(message),
  };
  const told =
    bridge !== null && !stillBridged
      ? withNotice(
          known,
          'bad',
          'Your call is over',
          'The call moved on while the connection was lost.',
        )
      : known;
  return forget(message.offers.reduce(offered, told));
}

function riskiest(message: Hello): string | null {
  const risk = (index: number): number => message.calls[index]?.points.at(-1)?.risk ?? 0;
  const order = message.calls.map((_, index) => index).sort((a, b) => risk(b) - risk(a));
  return message.calls[order[0] ?? -1]?.call_id ?? null;
}

function callEnded(floor: Floor, message: CallGone, now: number): Floor {
  const { call_id: id, outcome } = message;
  const call = floor.calls[id];
  const ended =
    call === undefined
      ? floor.ended
      : [{ call, outcome, at: now }, ...floor.ended].slice(0, KEPT_ENDED);
  return forget({
    ...offTheCall(floor, id),
    calls: without(floor.calls, id),
    ended,
    taking: floor.taking === id ? null : floor.taking,
  });
}

/** Reasons why a bridge ended before anything was said on it. */
const NEVER_TALKED: readonly string[] = ['bridge_failed', 'server_draining'];

/** This operator's conversation on that call, if there is one, is over and can be judged. */
function offTheCall(floor: Floor, callId: string): Floor {
  if (floor.bridge?.callId !== callId) {
    return floor;
  }
  const wrapUp: WrapUp = { callId, caller: floor.calls[callId]?.caller ?? 'the caller' };
  const others = floor.wrapUps.filter((other) => other.callId !== callId);
  return { ...floor, bridge: null, wrapUps: [wrapUp, ...others].slice(0, KEPT_WRAP_UPS) };
}

function offered(floor: Floor, offer: OfferView): Floor {
  const others = floor.offers.filter(({ offer_id }) => offer_id !== offer.offer_id);
  return {
    ...floor,
    offers: [...others, offer],
    briefs: { ...floor.briefs, [offer.call_id]: offer.brief },
  };
}

function offerOver(floor: Floor, message: OfferOver): Floor {
  const offers = floor.offers.filter(({ offer_id }) => offer_id !== message.offer_id);
  // A refused taking of a call that was never offered comes without an offer's id.
  const asked = floor.taking === message.offer_id || floor.taking === message.call_id;
  const over: Floor = {
    ...floor,
    offers,
    callbackOffers: floor.callbackOffers.filter(({ offer_id }) => offer_id !== message.offer_id),
    // An accepted offer is answered only when the call is bridged.
    taking: asked && message.reason !== 'accepted' ? null : floor.taking,
  };
  const heading = OFFER_OVER[message.reason];
  if (heading === null) {
    return over;
  }
  return withNotice(over, asked ? 'bad' : heading.tone, heading.title, message.message);
}

/** An entry replaces the one with its number; entries stay in the order of their numbers. */
function put(entries: readonly TranscriptEntry[], entry: TranscriptEntry): TranscriptEntry[] {
  const before = entries.filter(({ seq }) => seq < entry.seq);
  const after = entries.filter(({ seq }) => seq > entry.seq);
  return [...before, entry, ...after];
}

function cutOff(
  floor: Floor,
  { call_id: id, more }: { readonly call_id: string; readonly more: boolean },
): readonly string[] {
  const others = floor.cut.filter((callId) => callId !== id);
  return more ? [...others, id] : others;
}

function withTranscript(
  floor: Floor,
  callId: string,
  change: (entries: readonly TranscriptEntry[]) => readonly TranscriptEntry[],
): Floor {
  const entries = change(floor.transcripts[callId] ?? []);
  return { ...floor, transcripts: { ...floor.transcripts, [callId]: entries } };
}

/** Known curves with what the latest points of their calls add. */
function prolonged(curves: Floor['curves'], calls: readonly CallView[]): Floor['curves'] {
  const longer: Record<string, readonly Point[]> = { ...curves };
  for (const { call_id: id, points } of calls) {
    const known = curves[id];
    const first = points[0];
    if (known !== undefined && first !== undefined) {
      longer[id] = [...known.filter(({ at }) => at < first.at), ...points];
    }
  }
  return longer;
}

/** Let go of transcripts, curves and briefs of calls that are neither live nor on the screen. */
function forget(floor: Floor): Floor {
  const kept = (id: string): boolean =>
    id in floor.calls ||
    id === floor.selected ||
    floor.ended.some(({ call }) => call.call_id === id);
  const keep = <T>(all: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(all).filter(([id]) => kept(id)));
  return {
    ...floor,
    transcripts: keep(floor.transcripts),
    curves: keep(floor.curves),
    cut: floor.cut.filter(kept),
    briefs: keep(floor.briefs),
  };
}

function without<T>(all: Readonly<Record<string, T>>, id: string): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => key !== id));
}
