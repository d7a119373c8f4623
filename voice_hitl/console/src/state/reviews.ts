/** Second looks at the AI's work: turns decided beside it, and what it did alone judged afterwards. */

import type { AuditOver, ReviewOver, ReviewRevealed, ReviewView } from '../wire';
import { type Floor, type Review, withNotice } from './floor';

/** A turn to decide beside the AI. */
export function reviewAsked(floor: Floor, view: ReviewView): Floor {
  const { review_id: id } = view;
  return { ...floor, reviews: [...others(floor, id), { id, view, revealed: null }] };
}

/** This operator has chosen, so the AI's choice is no secret any more. */
export function reviewRevealed(floor: Floor, revealed: ReviewRevealed): Floor {
  const { review_id: id } = revealed;
  const view = floor.reviews.find((review) => review.id === id)?.view ?? null;
  return { ...floor, reviews: [...others(floor, id), { id, view, revealed }] };
}

/** A review is over; what this operator did themselves needs no telling. */
export function reviewOver(floor: Floor, message: ReviewOver): Floor {
  const over = { ...floor, reviews: others(floor, message.review_id) };
  return message.reason === 'equal' || message.reason === 'different'
    ? over
    : withNotice(over, 'plain', 'Review over', message.message);
}

/** An audit is over: a judgement that counts brings the next one, anything else is told. */
export function auditOver(floor: Floor, message: AuditOver): Floor {
  if (floor.audit?.audit_id !== message.audit_id) {
    return floor;
  }
  const over: Floor = { ...floor, audit: null, auditing: 'idle' };
  return message.reason === 'answered'
    ? over
    : withNotice(over, 'plain', 'Not yours to judge any more', message.message);
}

const others = (floor: Floor, id: string): Review[] =>
  floor.reviews.filter((review) => review.id !== id);
