import { describe, expect, it } from 'vitest';
import type { AuditView, ReviewView, ServerMessage } from '../wire';
import { EMPTY_FLOOR, type Floor } from './floor';
import { reduce } from './reduce';
import { hello } from './samples';

const after = (floor: Floor, ...messages: ServerMessage[]): Floor =>
  messages.reduce((state, message) => reduce(state, { kind: 'server', message, at: 900 }), floor);

const review: ReviewView = {
  review_id: 'r-1',
  call_id: 'c-1',
  turn: 2,
  question: 'Caller: it is about my card',
  choices: [{ intent: 'lost_card', label: 'Lost card' }],
  expires_at: 1120,
  seconds: 120,
};
const audit: AuditView = {
  audit_id: 'au-1',
  kind: 'action',
  call_id: 'c-1',
  turn: 2,
  path: 'automatic',
  category: 'transfer',
  risk: 0.1,
  summary: 'Moved $50.00',
  expires_at: 1600,
  seconds: 600,
};
const choice = { intent: 'lost_card', label: 'Lost card', text: '' };
const revealed = {
  type: 'review_reveal',
  review_id: 'r-1',
  ai: choice,
  mine: choice,
  expires_at: 1120,
  seconds: 120,
} as const;
const over = (reason: string): ServerMessage => ({
  type: 'review_over',
  review_id: 'r-1',
  reason,
  message: 'A colleague was first.',
});

describe('a review', () => {
  const asked = after(EMPTY_FLOOR, hello(), { type: 'review', review });

  it('is there from the start, and the AI’s choice is not', () => {
    const floor = after(EMPTY_FLOOR, hello({ reviews: [review] }));
    expect(floor.reviews).toEqual([{ id: 'r-1', view: review, revealed: null }]);
    expect(asked.reviews).toEqual(floor.reviews);
  });

  it('reveals the AI’s choice once, also to a page that was loaded meanwhile', () => {
    expect(after(asked, revealed).reviews).toEqual([{ id: 'r-1', view: review, revealed }]);
    const loaded = after(EMPTY_FLOOR, hello(), revealed);
    expect(loaded.reviews).toEqual([{ id: 'r-1', view: null, revealed }]);
  });

  it('goes silently with one’s own verdict and with a word otherwise', () => {
    expect(after(asked, over('different'))).toMatchObject({ reviews: [], notices: [] });
    expect(after(asked, over('taken'))).toMatchObject({
      reviews: [],
      notices: [{ text: 'A colleague was first.' }],
    });
  });
});

describe('an audit', () => {
  const asking = reduce(after(EMPTY_FLOOR, hello()), { kind: 'auditing' });
  const shown = after(asking, { type: 'audit', audit });

  it('is shown when it was asked for, or there is nothing to show', () => {
    expect(asking.auditing).toBe('asked');
    expect(shown).toMatchObject({ audit, auditing: 'idle' });
    expect(after(asking, { type: 'audit', audit: null }).auditing).toBe('nothing');
  });

  it('goes when it is answered or for others; another’s end leaves it alone', () => {
    const end = (id: string, reason: string): ServerMessage => ({
      type: 'audit_over',
      audit_id: id,
      reason,
      message: 'Too late.',
    });
    expect(after(shown, end('au-1', 'answered'))).toMatchObject({ audit: null, notices: [] });
    expect(after(shown, end('au-1', 'lapsed')).notices).toHaveLength(1);
    expect(after(shown, end('au-2', 'lapsed')).audit).toBe(audit);
  });

  it('is asked for again after the connection was lost', () => {
    const lost = reduce(asking, { kind: 'link', link: { status: 'lost', retryAt: 5 } });
    expect(lost.auditing).toBe('idle');
  });
});
