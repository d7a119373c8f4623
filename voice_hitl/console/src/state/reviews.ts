/** Second looks at the AI's work: turns decided beside it, and what it did alone judged afterwards. */

import type { AuditOver, ReviewOver, ReviewRevealed, ReviewView } from '../wire';
import { type Floor, type Review, withNotice } from './floor';

/** A turn to decide beside the AI. */
export function reviewAsked(floor: Floor, view: ReviewView): Floor {
  return { ...floor, reviews: [...others(floor, view.review_id), { view, revealed: null }] };
}

/** This operator has chosen, so the AI's choice is no secret any more. */
export function reviewRevealed(floor: Floor, revealed: ReviewRevealed): Floor {
  return {
    ...floor,
    reviews: floor.reviews.map((review) =>
      review.view.review_id === revealed.review_id ? { ...review, revealed } : review,
    ),
  };
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
  floor.reviews.filter(({ view }) => view.review_id !== id);
