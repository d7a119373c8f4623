/** What the console knows: one immutable value, changed only by `reduce`. */

import type {
  AlertView,
  ApprovalView,
  AuditView,
  BriefView,
  CallbackOfferView,
  CallbackView,
  CallGone,
  CallView,
  OfferOver,
  OfferView,
  OperatorView,
  Point,
  ReviewRevealed,
  ReviewView,
  TranscriptEntry,
  WaitingView,
  WarningView,
} from '../wire';

export type Link =
  | { readonly status: 'connecting' }
  | { readonly status: 'open' }
  /** `retryAt` in milliseconds of the page's clock. */
  | { readonly status: 'lost'; readonly retryAt: number };

export interface EndedCall {
  readonly call: CallView;
  readonly outcome: CallGone['outcome'];
  /** Server time. */
  readonly at: number;
}

export interface Bridge {
  readonly callId: string;
  readonly epoch: number;
  /** Server time at which this operator began to talk. */
  readonly since: number;
}

/** A call that this operator had and has not judged: was the handoff right? */
export interface WrapUp {
  readonly callId: string;
  readonly caller: string;
}

/** A turn to decide beside the AI; `revealed` once this operator has chosen. */
export interface Review {
  readonly id: string;
  /** Null for one that was chosen before the page was loaded. */
  readonly view: ReviewView | null;
  readonly revealed: ReviewRevealed | null;
}

export type Tone = 'good' | 'plain' | 'bad';

/** Something to tell the person once. */
export interface Notice {
  readonly id: number;
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
}

export interface Floor {
  readonly link: Link;
  /** Server time less the page's, seconds. */
  readonly clockOffset: number;
  /** Null until the first `hello`. */
  readonly me: OperatorView | null;
  readonly version: string;
  /** The server was replaced by another version while this page was open. */
  readonly outdated: boolean;
  readonly guidelines: string;
  readonly operators: Readonly<Record<string, OperatorView>>;
  readonly calls: Readonly<Record<string, CallView>>;
  /** The last few that ended, latest first. */
  readonly ended: readonly EndedCall[];
  readonly offers: readonly OfferView[];
  /** Briefs of calls that were offered to this operator or that they took, by call. */
  readonly briefs: Readonly<Record<string, BriefView>>;
  /** Confidence and risk over the whole of calls that were looked at; the list has the latest points. */
  readonly curves: Readonly<Record<string, readonly Point[]>>;
  /** Calls whose transcript has earlier lines than are known here. */
  readonly cut: readonly string[];
  readonly transcripts: Readonly<Record<string, readonly TranscriptEntry[]>>;
  /** The page that is shown: the calls, or the work beside them. */
  readonly view: 'calls' | 'work';
  readonly selected: string | null;
  readonly bridge: Bridge | null;
  /** The offer or call whose taking was asked for and not yet answered. */
  readonly taking: string | null;
  /** Actions of the AI that this operator is asked about. */
  readonly approvals: readonly ApprovalView[];
  /** Approvals whose answer was sent and is not yet known to count. */
  readonly answering: readonly string[];
  readonly reviews: readonly Review[];
  /** What this operator judges now. */
  readonly audit: AuditView | null;
  /** Whether something to judge was asked for, and whether there was anything. */
  readonly auditing: 'idle' | 'asked' | 'nothing';
  /** Critical calls that wait for anybody on call. */
  readonly alerts: readonly AlertView[];
  /** Promises to call somebody back that are not kept yet. */
  readonly callbacks: readonly CallbackView[];
  readonly callbackOffers: readonly CallbackOfferView[];
  /** Calls that wait for a person, in order of service. */
  readonly queue: readonly WaitingView[];
  /** Supervisors': what is wrong with the system as a whole, the oldest first. */
  readonly warnings: readonly WarningView[];
  /** Latest first. */
  readonly wrapUps: readonly WrapUp[];
  readonly notices: readonly Notice[];
  readonly nextNotice: number;
}

export const EMPTY_FLOOR: Floor = {
  link: { status: 'connecting' },
  clockOffset: 0,
  me: null,
  version: '',
  outdated: false,
  guidelines: '',
  operators: {},
  calls: {},
  ended: [],
  offers: [],
  briefs: {},
  curves: {},
  cut: [],
  transcripts: {},
  view: 'calls',
  selected: null,
  bridge: null,
  taking: null,
  approvals: [],
  answering: [],
  reviews: [],
  audit: null,
  auditing: 'idle',
  alerts: [],
  callbacks: [],
  callbackOffers: [],
  queue: [],
  warnings: [],
  wrapUps: [],
  notices: [],
  nextNotice: 1,
};

/** The heading over the server's own words when an offer ends. */
export const OFFER_OVER: Readonly<
  Record<OfferOver['reason'], { readonly title: string; readonly tone: Tone } | null>
> = {
  taken: { title: 'Taken by a colleague', tone: 'plain' },
  lapsed: { title: 'The offer has lapsed', tone: 'plain' },
  withdrawn: { title: 'No longer needed', tone: 'plain' },
  caller_gone: { title: 'The caller hung up', tone: 'plain' },
  rest: { title: 'Time for a break', tone: 'plain' },
  stale: { title: 'No longer yours', tone: 'bad' },
  busy: { title: 'You are in a call', tone: 'bad' },
  unknown: { title: 'The call is over', tone: 'bad' },
  draining: { title: 'The server is shutting down', tone: 'bad' },
  // What this person did needs no telling.
  declined: null,
  away: null,
  accepted: null,
};

/** The floor with one more thing to tell. */
export function withNotice(floor: Floor, tone: Tone, title: string, text: string): Floor {
  return {
    ...floor,
    notices: [...floor.notices, { id: floor.nextNotice, tone, title, text }],
    nextNotice: floor.nextNotice + 1,
  };
}
