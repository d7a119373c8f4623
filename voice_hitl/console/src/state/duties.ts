/** What the floor asks of operators beside calls: alerts, callbacks, rest, warnings. */

import type {
  AlertOver,
  AlertView,
  CallbackOfferView,
  CallbackView,
  RestChanged,
  WarningView,
} from '../wire';
import { type Floor, withNotice } from './floor';

/** A critical call waits, or is described anew. */
export function alerted(floor: Floor, alert: AlertView): Floor {
  const others = floor.alerts.filter(({ call_id }) => call_id !== alert.call_id);
  return { ...floor, alerts: [...others, alert] };
}

/** A critical call needs nobody more; what this operator took themselves needs no telling. */
export function alertOver(floor: Floor, message: AlertOver): Floor {
  const alerts = floor.alerts.filter(({ call_id }) => call_id !== message.call_id);
  const over: Floor = { ...floor, alerts };
  const mine = floor.bridge?.callId === message.call_id || floor.taking === message.call_id;
  return mine ? over : withNotice(over, 'plain', 'The critical call', message.message);
}

/** A callback rings here. */
export function callbackOffered(floor: Floor, offer: CallbackOfferView): Floor {
  const others = floor.callbackOffers.filter(({ offer_id }) => offer_id !== offer.offer_id);
  return { ...floor, callbackOffers: [...others, offer] };
}

/** Only what is waiting or claimed is kept. */
export function callbackChanged(floor: Floor, callback: CallbackView): Floor {
  const others = floor.callbacks.filter((other) => other.callback_id !== callback.callback_id);
  const open = callback.state === 'waiting' || callback.state === 'claimed';
  const mine = callback.operator_id === floor.me?.operator_id;
  return {
    ...floor,
    callbacks: open ? [...others, callback] : others,
    // The offer that was accepted has become this claim.
    taking: mine && callback.state === 'claimed' ? null : floor.taking,
  };
}

/** Operator care: time for a break, or it is over. */
export function restChanged(floor: Floor, message: RestChanged): Floor {
  const me = floor.me === null ? null : { ...floor.me, resting: message.resting };
  return withNotice(
    { ...floor, me },
    'plain',
    message.resting ? 'Time for a break' : 'Rested',
    message.message,
  );
}

/** A warning stands, or reads differently now. */
export function warningRaised(floor: Floor, warning: WarningView): Floor {
  const others = floor.warnings.filter(({ code }) => code !== warning.code);
  return { ...floor, warnings: [...others, warning].sort((a, b) => a.since - b.since) };
}

/** The callbacks that this operator has, the one that is promised soonest first. */
export function myCallbacks(floor: Floor): CallbackView[] {
  const me = floor.me?.operator_id;
  return floor.callbacks
    .filter(({ state, operator_id }) => state === 'claimed' && operator_id === me)
    .sort((a, b) => a.by - b.by);
}
