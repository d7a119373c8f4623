import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServerMessage } from '../wire';
import { byUrgency, changes } from './approvals';
import { EMPTY_FLOOR, type Floor } from './floor';
import { reduce } from './reduce';
import { approval, hello } from './samples';

const after = (floor: Floor, ...messages: ServerMessage[]): Floor =>
  messages.reduce((state, message) => reduce(state, { kind: 'server', message, at: 900 }), floor);

const asked = after(EMPTY_FLOOR, hello(), { type: 'approval', approval: approval() });
const answering = reduce(asked, { kind: 'answering', approvalId: 'a-1' });

describe('an approval', () => {
  it('is there from the start if it was open before the page was loaded', () => {
    expect(after(EMPTY_FLOOR, hello({ approvals: [approval()] })).approvals).toEqual([approval()]);
    expect(after(asked, hello()).approvals).toEqual([]);
  });

  it('that is sent again stands differently', () => {
    const again = after(asked, { type: 'approval', approval: approval({ second: true }) });
    expect(again.approvals).toEqual([approval({ second: true })]);
  });

  it('goes with the answer that counts, and what the server made of it is told', () => {
    const taken = after(answering, {
      type: 'answer',
      approval_id: 'a-1',
      counted: true,
      message: 'Approved; the AI goes on.',
    });
    expect(taken.approvals).toEqual([]);
    expect(taken.answering).toEqual([]);
    expect(taken.notices).toMatchObject([{ tone: 'good', text: 'Approved; the AI goes on.' }]);
    const over = after(taken, {
      type: 'approval_over',
      approval_id: 'a-1',
      status: 'approved',
      message: 'Approved.',
    });
    expect(over.notices).toHaveLength(1);
  });

  it('stays, to be answered again, when the answer does not count', () => {
    const refused = after(answering, {
      type: 'answer',
      approval_id: 'a-1',
      counted: false,
      message: 'Your answer did not count: the arguments have changed.',
    });
    expect(refused.approvals).toHaveLength(1);
    expect(refused.answering).toEqual([]);
    expect(refused.notices[0]?.tone).toBe('bad');
  });

  it.each([
    ['expired', 'Nobody answered in time'],
    ['a_new_status', 'No longer in question'],
  ])('that is over (%s) goes with a word why', (status, title) => {
    const over = after(answering, {
      type: 'approval_over',
      approval_id: 'a-1',
      status,
      message: 'It was not done.',
    });
    expect(over.approvals).toEqual([]);
    expect(over.answering).toEqual([]);
    expect(over.notices).toMatchObject([
      { title, text: 'Transfer $50.00 to savings: It was not done.' },
    ]);
  });

  it('can be answered again after the connection was lost', () => {
    const lost = reduce(answering, { kind: 'link', link: { status: 'lost', retryAt: 5 } });
    expect(lost.answering).toEqual([]);
    expect(lost.approvals).toHaveLength(1);
  });
});

it('puts the least time first, then the higher risk', () => {
  const late = approval({ approval_id: 'late', expires_at: 9, risk: 99 });
  const risky = approval({ approval_id: 'risky', expires_at: 5, risk: 80 });
  const soon = approval({ approval_id: 'soon', expires_at: 5, risk: 20 });
  expect(byUrgency([late, soon, risky]).map((a) => a.approval_id)).toEqual([
    'risky',
    'soon',
    'late',
  ]);
});

it('finds exactly the arguments with another value', () => {
  expect(changes(approval(), {})).toEqual([]);
  expect(changes(approval(), { amount: '20.00', to: 'savings' })).toEqual([
    { name: 'amount', from: '50.00', to: '20.00' },
  ]);
  const values = fc.dictionary(fc.string({ minLength: 1 }), fc.string());
  fc.assert(
    fc.property(values, values, (proposed, edited) => {
      const found = changes(approval({ arguments: proposed }), edited);
      const applied = { ...proposed, ...Object.fromEntries(found.map((c) => [c.name, c.to])) };
      for (const name of Object.keys(proposed)) {
        expect(applied[name]).toBe(Object.hasOwn(edited, name) ? edited[name] : proposed[name]);
      }
      expect(found.every((c) => c.from !== c.to)).toBe(true);
    }),
  );
});
