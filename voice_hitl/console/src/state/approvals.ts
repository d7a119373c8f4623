/** Approvals: how they come and go, which is the most urgent, what an operator has changed. */

import type { AnswerTaken, ApprovalOver, ApprovalView } from '../wire';
import { type Floor, type Tone, withNotice } from './floor';

/** This operator is asked, or what they are asked stands differently. */
export function approvalAsked(floor: Floor, approval: ApprovalView): Floor {
  return { ...floor, approvals: [...others(floor, approval.approval_id), approval] };
}

/** The heading over the server's own words when an approval needs no answer any more. */
const OVER: Readonly<Record<string, { readonly title: string; readonly tone: Tone }>> = {
  approved: { title: 'Approved', tone: 'plain' },
  rejected: { title: 'Rejected', tone: 'plain' },
  responded: { title: 'Answered', tone: 'plain' },
  expired: { title: 'Nobody answered in time', tone: 'bad' },
  withdrawn: { title: 'No longer wanted', tone: 'plain' },
  caller_gone: { title: 'The caller hung up', tone: 'plain' },
  taken_over: { title: 'A person has the call', tone: 'plain' },
  draining: { title: 'The server is shutting down', tone: 'bad' },
  exercise: { title: 'That was an exercise', tone: 'plain' },
  left: { title: 'No longer yours to answer', tone: 'plain' },
};

/** An approval is over for this operator: its card goes, and a word says why. */
export function approvalOver(floor: Floor, message: ApprovalOver): Floor {
  const approval = floor.approvals.find(({ approval_id }) => approval_id === message.approval_id);
  if (approval === undefined) {
    return floor; // It went with this operator's own answer.
  }
  const { title, tone } = OVER[message.status] ?? { title: 'No longer in question', tone: 'plain' };
  const text = `${approval.summary}: ${message.message}`;
  return withNotice(gone(floor, message.approval_id), tone, title, text);
}

/** The server says whether this operator's answer counts: if so, the card goes. */
export function answerTaken(floor: Floor, message: AnswerTaken): Floor {
  const { approval_id: id, counted } = message;
  if (counted) {
    return withNotice(gone(floor, id), 'good', 'Answered', message.message);
  }
  const answering = floor.answering.filter((other) => other !== id);
  return withNotice({ ...floor, answering }, 'bad', 'Not counted', message.message);
}

function gone(floor: Floor, id: string): Floor {
  return {
    ...floor,
    approvals: others(floor, id),
    answering: floor.answering.filter((other) => other !== id),
  };
}

const others = (floor: Floor, id: string): ApprovalView[] =>
  floor.approvals.filter(({ approval_id }) => approval_id !== id);

/** The one with the least time left first; the riskier among equals. */
export function byUrgency(approvals: readonly ApprovalView[]): ApprovalView[] {
  return [...approvals].sort((a, b) => a.expires_at - b.expires_at || b.risk - a.risk);
}

/** One argument that an operator has given another value. */
export interface Change {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** What `edited` changes in what the AI proposed. */
export function changes(
  approval: ApprovalView,
  edited: Readonly<Record<string, string>>,
): Change[] {
  return Object.entries(approval.arguments)
    .map(([name, from]) => ({
      name,
      from,
      to: Object.hasOwn(edited, name) ? (edited[name] ?? from) : from,
    }))
    .filter(({ from, to }) => from !== to);
}
