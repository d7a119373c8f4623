import { describe, expect, it } from 'vitest';
import type { CallbackView, ServerMessage, WarningView } from '../wire';
import { myCallbacks } from './duties';
import { EMPTY_FLOOR, type Floor } from './floor';
import { reduce } from './reduce';
import { brief, call, hello, operator } from './samples';

const after = (floor: Floor, ...messages: ServerMessage[]): Floor =>
  messages.reduce((state, message) => reduce(state, { kind: 'server', message, at: 900 }), floor);

const signedIn = after(EMPTY_FLOOR, hello());
const callback = (change: Partial<CallbackView> = {}): CallbackView => ({
  callback_id: 'cb-1',
  call_id: 'c-1',
  number: '+15550199',
  reason: 'A transfer is missing.',
  urgency: 'high',
  brief: null,
  promised_at: 900,
  not_before: 900,
  by: 2800,
  state: 'waiting',
  tries: 0,
  operator_id: null,
  epoch: null,
  claim_until: null,
  note: '',
  ...change,
});
const warning = (change: Partial<WarningView> = {}): WarningView => ({
  code: 'queue',
  since: 900,
  words: 'Callers wait long',
  evidence: {},
  todo: 'Ask for more operators.',
  ...change,
});

describe('a critical call', () => {
  const alert = { call_id: 'c-1', caller: '+15550100', brief: brief(), since: 990 };
  const told = after(
    signedIn,
    { type: 'call', call: call() },
    { type: 'alert', alert },
    { type: 'alert', alert },
  );
  const over = {
    type: 'alert_over',
    call_id: 'c-1',
    reason: 'taken',
    message: 'A colleague has the call.',
  } as const;

  it('is told of once and until it is over', () => {
    expect(told.alerts).toEqual([alert]);
    expect(after(told, over)).toMatchObject({ alerts: [], notices: [{ text: over.message }] });
  });

  it('is over without a word for who took it', () => {
    const taking = reduce(told, { kind: 'taking', id: 'c-1' });
    expect(after(taking, over).notices).toEqual([]);
    const bridged = after(taking, { type: 'bridged', call_id: 'c-1', epoch: 1, brief: null }, over);
    expect(bridged).toMatchObject({ alerts: [], notices: [] });
  });
});

describe('callbacks', () => {
  it('ring until the offer is over', () => {
    const offer = { offer_id: 'o-1', callback: callback(), expires_at: 1020, seconds: 20 };
    const ringing = after(signedIn, { type: 'callback_offer', offer });
    expect(ringing.callbackOffers).toEqual([offer]);
    const over = after(ringing, {
      type: 'offer_over',
      offer_id: 'o-1',
      call_id: 'cb-1',
      reason: 'accepted',
      message: '',
    });
    expect(over.callbackOffers).toEqual([]);
  });

  it('that are claimed here end the taking; what is over is not kept', () => {
    const taking = reduce(signedIn, { kind: 'taking', id: 'o-1' });
    const mine = callback({ state: 'claimed', operator_id: 'op-1', epoch: 1 });
    const claimed = after(taking, { type: 'callback', callback: mine });
    expect(claimed).toMatchObject({ taking: null, callbacks: [mine] });
    expect(
      after(claimed, { type: 'callback', callback: callback({ state: 'done' }) }),
    ).toMatchObject({ callbacks: [] });
  });

  it('are mine while I have claimed them, the soonest first', () => {
    const claim = { state: 'claimed', operator_id: 'op-1' } as const;
    const callbacks = [
      callback({ callback_id: 'late', by: 9, ...claim }),
      callback({ callback_id: 'soon', by: 5, ...claim }),
      callback({ callback_id: 'theirs', by: 1, ...claim, operator_id: 'op-2' }),
      callback({ callback_id: 'failed before', by: 1, operator_id: 'op-1' }),
    ];
    expect(myCallbacks({ ...signedIn, callbacks }).map((c) => c.callback_id)).toEqual([
      'soon',
      'late',
    ]);
  });
});

it('a rest is told and known until it is over', () => {
  const rest = (resting: boolean): ServerMessage => ({
    type: 'rest',
    resting,
    worked_minutes: 120,
    message: 'Take a break.',
  });
  const tired = after(signedIn, rest(true));
  expect(tired.me).toEqual(operator({ resting: true }));
  expect(tired.notices).toMatchObject([{ title: 'Time for a break', text: 'Take a break.' }]);
  expect(after(tired, rest(false)).me?.resting).toBe(false);
});

it('warnings stand until they are over, the oldest first; each once', () => {
  const floor = after(
    signedIn,
    { type: 'warning', warning: warning({ since: 950 }) },
    { type: 'warning', warning: warning({ code: 'fatigue', since: 940 }) },
    { type: 'warning', warning: warning({ since: 950, words: 'Longer still' }) },
  );
  expect(floor.warnings.map(({ words }) => words)).toEqual(['Callers wait long', 'Longer still']);
  const over = after(floor, { type: 'warning_over', code: 'fatigue' });
  expect(over.warnings.map(({ code }) => code)).toEqual(['queue']);
});

it('a call that begins or is chosen brings its page to the front', () => {
  const working = reduce(after(signedIn, { type: 'call', call: call() }), {
    kind: 'view',
    view: 'work',
  });
  expect(working.view).toBe('work');
  expect(reduce(working, { kind: 'select', callId: 'c-1' }).view).toBe('calls');
  expect(after(working, { type: 'bridged', call_id: 'c-1', epoch: 1, brief: null }).view).toBe(
    'calls',
  );
});
