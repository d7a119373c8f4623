import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point, ServerMessage } from '../wire';
import { EMPTY_FLOOR, type Floor } from './floor';
import { reduce } from './reduce';
import { atRisk, brief, call, hello, line, offer, operator, point } from './samples';

const after = (floor: Floor, ...messages: ServerMessage[]): Floor =>
  messages.reduce((state, message) => reduce(state, { kind: 'server', message, at: 900 }), floor);

const signedIn = after(EMPTY_FLOOR, hello());

describe('hello', () => {
  it('brings everything, and the difference of the clocks', () => {
    const floor = after(
      EMPTY_FLOOR,
      hello({ calls: [call()], offers: [offer()], guidelines: '# Be kind' }),
    );
    expect(floor.clockOffset).toBe(100);
    expect(floor.me?.name).toBe('Dana Okafor');
    expect(Object.keys(floor.calls)).toEqual(['c-1']);
    expect(floor.offers).toHaveLength(1);
    expect(floor.guidelines).toBe('# Be kind');
  });

  it('selects the riskiest call at first, and nothing else later', () => {
    const calls = [atRisk('low', 0.1), atRisk('high', 0.9), atRisk('mid', 0.5)];
    const floor = after(EMPTY_FLOOR, hello({ calls }));
    expect(floor.selected).toBe('high');
    const chosen = reduce(floor, { kind: 'select', callId: 'low' });
    expect(after(chosen, hello({ calls })).selected).toBe('low');
  });

  it('replaces what was known before the connection was lost', () => {
    const before = after(
      signedIn,
      { type: 'call', call: call() },
      { type: 'offer', offer: offer() },
    );
    const floor = after(before, hello({ calls: [call({ call_id: 'c-2' })] }));
    expect(Object.keys(floor.calls)).toEqual(['c-2']);
    expect(floor.offers).toEqual([]);
  });

  it('keeps a bridge that the server still knows, and tells when it does not', () => {
    const bridged = after(
      signedIn,
      { type: 'call', call: call() },
      { type: 'bridged', call_id: 'c-1', epoch: 4, brief: null },
    );
    const mine = operator({ presence: 'in_call', call_id: 'c-1' });
    const kept = after(bridged, hello({ me: mine, calls: [call({ state: 'operator' })] }));
    expect(kept.bridge).toEqual({ callId: 'c-1', epoch: 4, since: 1000 });
    expect(kept.notices).toEqual([]);
    const lost = after(bridged, hello({ calls: [call()] }));
    expect(lost.bridge).toBeNull();
    expect(lost.notices).toHaveLength(1);
  });

  it('notices that the server was replaced by another version', () => {
    expect(after(signedIn, hello()).outdated).toBe(false);
    expect(after(signedIn, hello({ version: '2' })).outdated).toBe(true);
  });
});

describe('calls', () => {
  it('come and change', () => {
    const floor = after(
      signedIn,
      { type: 'call', call: call() },
      { type: 'call', call: call({ state: 'waiting' }) },
    );
    expect(floor.calls['c-1']?.state).toBe('waiting');
    expect(floor.selected).toBe('c-1');
  });

  it('end, but stay readable for a while', () => {
    let floor = signedIn;
    for (let n = 1; n <= 9; n += 1) {
      const id = `c-${n}`;
      floor = after(
        floor,
        { type: 'call', call: call({ call_id: id }) },
        { type: 'transcript', call_id: id, entry: line(1) },
        { type: 'call_ended', call_id: id, outcome: 'automated' },
      );
    }
    expect(floor.calls).toEqual({});
    expect(floor.ended.map((e) => e.call.call_id)).toEqual([
      'c-9',
      'c-8',
      'c-7',
      'c-6',
      'c-5',
      'c-4',
    ]);
    // c-1 is selected, so what was said is still on the screen; c-2 and c-3 are let go.
    expect(Object.keys(floor.transcripts).sort()).toEqual([
      'c-1',
      'c-4',
      'c-5',
      'c-6',
      'c-7',
      'c-8',
      'c-9',
    ]);
  });

  it('that end take their bridge along', () => {
    const floor = after(
      signedIn,
      { type: 'call', call: call() },
      { type: 'bridged', call_id: 'c-1', epoch: 1, brief: null },
      { type: 'call_ended', call_id: 'c-1', outcome: 'handed_off' },
    );
    expect(floor.bridge).toBeNull();
  });

  it('that were never seen end without a trace', () => {
    const floor = after(signedIn, { type: 'call_ended', call_id: 'nobody', outcome: 'failed' });
    expect(floor.ended).toEqual([]);
  });
});

describe('transcripts', () => {
  it('hold one entry a number, in order, whatever the order of arrival', () => {
    const entries = fc.array(
      fc
        .tuple(fc.integer({ min: 1, max: 8 }), fc.string())
        .map(([seq, text]) => line(seq, { text })),
    );
    fc.assert(
      fc.property(entries, (lines) => {
        const floor = lines.reduce(
          (state, entry) => after(state, { type: 'transcript', call_id: 'c-1', entry }),
          after(signedIn, { type: 'call', call: call() }),
        );
        const last = new Map(lines.map((entry) => [entry.seq, entry]));
        const expected = [...last.keys()].sort((a, b) => a - b).map((seq) => last.get(seq));
        expect(floor.transcripts['c-1'] ?? []).toEqual(expected);
      }),
    );
  });

  it('are replaced as a whole after watching', () => {
    const floor = after(
      signedIn,
      { type: 'transcript', call_id: 'c-1', entry: line(7) },
      {
        type: 'transcript_all',
        call_id: 'c-1',
        entries: [line(2), line(1)],
        more: false,
        points: [],
      },
    );
    expect(floor.transcripts['c-1']?.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('are read from their end, and further back when asked for', () => {
    const seqs = (floor: Floor): number[] | undefined =>
      floor.transcripts['c-1']?.map(({ seq }) => seq);
    const end = after(
      signedIn,
      { type: 'call', call: call() },
      {
        type: 'transcript_all',
        call_id: 'c-1',
        entries: [line(5), line(6)],
        more: true,
        points: [],
      },
      { type: 'transcript', call_id: 'c-1', entry: line(2) },
      { type: 'transcript', call_id: 'c-1', entry: line(7) },
    );
    expect(seqs(end)).toEqual([5, 6, 7]);
    expect(end.cut).toEqual(['c-1']);
    const back = after(end, {
      type: 'transcript_earlier',
      call_id: 'c-1',
      entries: [line(3), line(4)],
      more: true,
    });
    expect(seqs(back)).toEqual([3, 4, 5, 6, 7]);
    const whole = after(back, {
      type: 'transcript_earlier',
      call_id: 'c-1',
      entries: [line(1), line(2)],
      more: false,
    });
    expect(seqs(whole)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(whole.cut).toEqual([]);
  });
});

describe('curves', () => {
  const turns = (from: number, to: number): Point[] =>
    Array.from({ length: to - from + 1 }, (_, n) => point(from + n));
  const shown = (floor: Floor): number[] | undefined =>
    floor.curves['c-1']?.map(({ turn }) => turn);
  const whole: ServerMessage = {
    type: 'transcript_all',
    call_id: 'c-1',
    entries: [],
    more: false,
    points: turns(1, 5),
  };

  it('are whole for a call that is watched, and grow by what is new', () => {
    const watched = after(signedIn, { type: 'call', call: call({ points: turns(3, 5) }) }, whole);
    expect(shown(watched)).toEqual([1, 2, 3, 4, 5]);
    const later = after(watched, { type: 'call', call: call({ points: turns(4, 6) }) });
    expect(shown(later)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(shown(after(later, hello({ calls: [call({ points: turns(6, 8) })] })))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
  });

  it('are not kept of calls that nobody looks at', () => {
    expect(after(signedIn, { type: 'call', call: call({ points: turns(1, 2) }) }).curves).toEqual(
      {},
    );
  });

  it('stay with a call that ended until it is let go', () => {
    const floor = after(signedIn, { type: 'call', call: call() }, whole, {
      type: 'call_ended',
      call_id: 'c-1',
      outcome: 'automated',
    });
    expect(shown(floor)).toEqual([1, 2, 3, 4, 5]);
    let others = reduce(floor, { kind: 'select', callId: null });
    for (let n = 2; n <= 9; n += 1) {
      others = after(
        others,
        { type: 'call', call: call({ call_id: `c-${n}` }) },
        { type: 'call_ended', call_id: `c-${n}`, outcome: 'automated' },
      );
    }
    expect(shown(others)).toBeUndefined();
  });
});

describe('the brief', () => {
  it('comes with the call, to a page that was never offered it', () => {
    const bridged: ServerMessage = { type: 'bridged', call_id: 'c-1', epoch: 4, brief: brief() };
    const floor = after(EMPTY_FLOOR, hello({ calls: [call({ state: 'operator' })] }), bridged);
    expect(floor.briefs['c-1']).toEqual(brief());
  });

  it('of the offer stays when the call brings none', () => {
    const floor = after(
      signedIn,
      { type: 'call', call: call() },
      { type: 'offer', offer: offer() },
      { type: 'bridged', call_id: 'c-1', epoch: 4, brief: null },
    );
    expect(floor.briefs['c-1']).toEqual(offer().brief);
  });
});

describe('offers', () => {
  const ringing = after(
    signedIn,
    { type: 'call', call: call() },
    { type: 'offer', offer: offer() },
  );

  it('ring until they are over, and their brief stays', () => {
    expect(ringing.offers).toHaveLength(1);
    const over = after(ringing, {
      type: 'offer_over',
      offer_id: 'o-1',
      call_id: 'c-1',
      reason: 'lapsed',
      message: 'Offered to the next operator.',
    });
    expect(over.offers).toEqual([]);
    expect(over.briefs['c-1']).toEqual(brief());
    expect(over.notices.map(({ title }) => title)).toEqual(['The offer has lapsed']);
  });

  it('are not news when the person ended them', () => {
    for (const reason of ['declined', 'away', 'accepted'] as const) {
      const over = after(ringing, {
        type: 'offer_over',
        offer_id: 'o-1',
        call_id: 'c-1',
        reason,
        message: '',
      });
      expect(over.notices).toEqual([]);
      expect(over.offers).toEqual([]);
    }
  });

  it('that somebody else was quicker to take are told clearly', () => {
    const asked = reduce(ringing, { kind: 'taking', id: 'o-1' });
    const over = after(asked, {
      type: 'offer_over',
      offer_id: 'o-1',
      call_id: 'c-1',
      reason: 'taken',
      message: 'Ravi took this call a moment before you.',
    });
    expect(over.taking).toBeNull();
    expect(over.notices[0]).toMatchObject({ tone: 'bad', title: 'Taken by a colleague' });
  });

  it('that never were: a refused taking is told as well', () => {
    const asked = reduce(ringing, { kind: 'taking', id: 'c-1' });
    const over = after(asked, {
      type: 'offer_over',
      offer_id: '',
      call_id: 'c-1',
      reason: 'taken',
      message: 'A colleague took this call.',
    });
    expect(over.taking).toBeNull();
    expect(over.offers).toHaveLength(1);
    expect(over.notices[0]).toMatchObject({ tone: 'bad', title: 'Taken by a colleague' });
  });

  it('that were accepted stay asked for until the bridge stands', () => {
    const asked = reduce(ringing, { kind: 'taking', id: 'o-1' });
    const accepted = after(asked, {
      type: 'offer_over',
      offer_id: 'o-1',
      call_id: 'c-1',
      reason: 'accepted',
      message: '',
    });
    expect(accepted.taking).toBe('o-1');
    const bridged = after(accepted, { type: 'bridged', call_id: 'c-1', epoch: 2, brief: null });
    expect(bridged.taking).toBeNull();
    expect(bridged.bridge).toEqual({ callId: 'c-1', epoch: 2, since: 1000 });
  });

  it('that are sent twice ring once', () => {
    expect(after(ringing, { type: 'offer', offer: offer({ seconds: 9 }) }).offers).toEqual([
      offer({ seconds: 9 }),
    ]);
  });
});

describe('the bridge', () => {
  const bridged = after(
    signedIn,
    { type: 'call', call: call() },
    { type: 'call', call: call({ call_id: 'c-2' }) },
    { type: 'bridged', call_id: 'c-2', epoch: 1, brief: null },
  );

  it('selects its call and takes a new epoch without starting its clock anew', () => {
    expect(bridged.selected).toBe('c-2');
    const again = reduce(bridged, {
      kind: 'server',
      message: { type: 'bridged', call_id: 'c-2', epoch: 2, brief: null },
      at: 950,
    });
    expect(again.bridge).toEqual({ callId: 'c-2', epoch: 2, since: 1000 });
  });

  it('ends with a word why; another call’s end leaves it alone', () => {
    const other = after(bridged, {
      type: 'unbridged',
      call_id: 'c-1',
      reason: 'handed_back',
      message: '',
    });
    expect(other.bridge?.callId).toBe('c-2');
    const over = after(bridged, {
      type: 'unbridged',
      call_id: 'c-2',
      reason: 'caller_hung_up',
      message: 'The caller hung up.',
    });
    expect(over.bridge).toBeNull();
    expect(over.notices.at(-1)?.text).toBe('The caller hung up.');
  });
});

describe('wrap-up', () => {
  const bridged = after(
    signedIn,
    { type: 'call', call: call() },
    { type: 'bridged', call_id: 'c-1', epoch: 1, brief: null },
  );
  const off = (reason: string): ServerMessage => ({
    type: 'unbridged',
    call_id: 'c-1',
    reason,
    message: '',
  });
  const over = { type: 'call_ended', call_id: 'c-1', outcome: 'handed_off' } as const;
  const asked = [{ callId: 'c-1', caller: '+15550100' }];

  it('is asked for once, whether the conversation ends first or the call', () => {
    expect(after(bridged, off('handed_back')).wrapUps).toEqual(asked);
    expect(after(bridged, over).wrapUps).toEqual(asked);
    expect(after(bridged, off('caller_hung_up'), over).wrapUps).toEqual(asked);
    expect(after(bridged, over, off('caller_hung_up')).wrapUps).toEqual(asked);
  });

  it('is not asked for where nobody talked, nor for the calls of others', () => {
    expect(after(bridged, off('bridge_failed')).wrapUps).toEqual([]);
    expect(after(signedIn, { type: 'call', call: call() }, over).wrapUps).toEqual([]);
  });

  it('stays through the next call and goes when it is done', () => {
    const next = after(bridged, over, { type: 'bridged', call_id: 'c-2', epoch: 1, brief: null });
    expect(next.wrapUps).toEqual(asked);
    expect(reduce(next, { kind: 'wrapped', callId: 'c-1' }).wrapUps).toEqual([]);
  });

  it('does not pile up', () => {
    let floor = signedIn;
    for (const id of ['c-1', 'c-2', 'c-3', 'c-4']) {
      floor = after(
        floor,
        { type: 'bridged', call_id: id, epoch: 1, brief: null },
        { type: 'unbridged', call_id: id, reason: 'handed_back', message: '' },
      );
    }
    expect(floor.wrapUps.map(({ callId }) => callId)).toEqual(['c-4', 'c-3', 'c-2']);
  });
});

describe('people', () => {
  it('come, change and go; I am one of them', () => {
    const floor = after(
      signedIn,
      { type: 'operator', operator: operator({ presence: 'away' }) },
      { type: 'operator', operator: operator({ operator_id: 'op-2', name: 'Ravi' }) },
    );
    expect(floor.me?.presence).toBe('away');
    expect(Object.keys(floor.operators)).toEqual(['op-1', 'op-2']);
    expect(
      after(floor, { type: 'operator_gone', operator_id: 'op-2' }).operators,
    ).not.toHaveProperty('op-2');
  });
});

describe('what goes wrong', () => {
  it('is told once and can be dismissed', () => {
    const asked = reduce(signedIn, { kind: 'taking', id: 'c-1' });
    const floor = after(asked, { type: 'problem', message: 'The call has ended.' });
    expect(floor.taking).toBeNull();
    expect(floor.notices).toEqual([
      { id: 1, tone: 'bad', title: 'That did not work', text: 'The call has ended.' },
    ]);
    expect(reduce(floor, { kind: 'dismiss', notice: 1 }).notices).toEqual([]);
  });

  it('with the connection forgets what was asked for and keeps what was known', () => {
    const asked = reduce(after(signedIn, { type: 'call', call: call() }), {
      kind: 'taking',
      id: 'c-1',
    });
    const lost = reduce(asked, { kind: 'link', link: { status: 'lost', retryAt: 5 } });
    expect(lost.taking).toBeNull();
    expect(Object.keys(lost.calls)).toEqual(['c-1']);
  });
});
