// Generated from voice_hitl/server/wire/ by `python -m voice_hitl.console.generate_types`.
// Edit those files, never this.

/** An alert is over. */
export interface AlertOver {
  readonly type: 'alert_over';
  readonly call_id: string;
  readonly reason: 'taken' | 'withdrawn' | 'caller_gone' | 'lowered' | 'given_up';
  readonly message: string;
}

/** A critical call that every on-call operator is told of; take it with `take`. */
export interface AlertView {
  readonly call_id: string;
  readonly caller: string;
  readonly brief: BriefView;
  readonly since: number;
}

/** A critical call waits; whoever takes it first has it. */
export interface Alerted {
  readonly type: 'alert';
  readonly alert: AlertView;
}

/** What became of this operator's answer. */
export interface AnswerTaken {
  readonly type: 'answer';
  readonly approval_id: string;
  readonly counted: boolean;
  readonly message: string;
}

/** The AI wants to act, and this operator is asked; again with the same id: it stands differently. */
export interface ApprovalAsked {
  readonly type: 'approval';
  readonly approval: ApprovalView;
}

/** An approval needs no answer from this operator any more. */
export interface ApprovalOver {
  readonly type: 'approval_over';
  readonly approval_id: string;
  readonly status: string;
  readonly message: string;
}

/** An action that the AI wants to do and this operator is asked about. */
export interface ApprovalView {
  readonly approval_id: string;
  readonly call_id: string;
  readonly caller: string;
  readonly action: string;
  readonly summary: string;
  readonly arguments: Readonly<Record<string, string>>;
  readonly digest: string;
  readonly effect: 'read' | 'reversible' | 'irreversible';
  readonly amount: number | null;
  readonly risk: number;
  readonly reasons: readonly string[];
  readonly reasoning: string;
  readonly alternatives: readonly string[];
  readonly doubts: readonly string[];
  readonly veto: boolean;
  readonly second: boolean;
  readonly expires_at: number;
  readonly seconds: number;
}

/** One thing that was tried, and its result. */
export interface Attempt {
  readonly what: string;
  readonly result: string;
  readonly ok: boolean;
}

/** An audit needs nothing from this operator any more. */
export interface AuditOver {
  readonly type: 'audit_over';
  readonly audit_id: string;
  readonly reason: string;
  readonly message: string;
}

/** What to judge next, as asked for; None: there is nothing that this operator may judge. */
export interface AuditShown {
  readonly type: 'audit';
  readonly audit: AuditView | null;
}

/** Something that the AI did alone, for a person to judge afterwards. */
export interface AuditView {
  readonly audit_id: string;
  readonly kind: 'decision' | 'action' | 'call' | 'line';
  readonly call_id: string;
  readonly turn: number;
  readonly path: 'automatic' | 'vetoable' | 'approved' | 'handed_off';
  readonly category: string;
  readonly risk: number;
  readonly summary: string;
  readonly expires_at: number;
  readonly seconds: number;
}

/** This operator is now talking to the caller; open `/ws/audio/{call_id}`. */
export interface Bridged {
  readonly type: 'bridged';
  readonly call_id: string;
  readonly epoch: number;
  readonly brief: BriefView | null;
}

/** The summary an operator receives with an offer. */
export interface BriefView {
  readonly why: string;
  readonly reasons: readonly ReasonView[];
  readonly urgency: 'low' | 'medium' | 'high' | 'critical';
  readonly who: string;
  readonly intent: string | null;
  readonly slots: Readonly<Record<string, string>>;
  readonly tried: readonly Attempt[];
  readonly pending: string | null;
  readonly exchanges: readonly TranscriptEntry[];
  readonly next_step: string;
}

/** A live call is new or different. */
export interface CallChanged {
  readonly type: 'call';
  readonly call: CallView;
}

/** A call has ended. */
export interface CallGone {
  readonly type: 'call_ended';
  readonly call_id: string;
  readonly outcome: 'automated' | 'handed_off' | 'abandoned' | 'failed';
}

/** A live call in the list. */
export interface CallView {
  readonly call_id: string;
  readonly caller: string;
  readonly pack: string;
  readonly started_at: number;
  readonly state: 'ai' | 'waiting' | 'bridging' | 'operator' | 'ended';
  readonly safe_mode: boolean;
  readonly operator_id: string | null;
  readonly operator_name: string | null;
  readonly intent: string | null;
  readonly turns: number;
  readonly points: readonly Point[];
  readonly low_turns: number;
  readonly armed: boolean;
  readonly reasons: readonly ReasonView[];
}

/** A callback is new or stands differently; one that is neither waiting nor claimed is over. */
export interface CallbackChanged {
  readonly type: 'callback';
  readonly callback: CallbackView;
}

/** A callback that rings; accept or decline its `offer_id` like a call's. */
export interface CallbackOfferView {
  readonly offer_id: string;
  readonly callback: CallbackView;
  readonly expires_at: number;
  readonly seconds: number;
}

/** A callback rings at this console; over with `offer_over`, whose `call_id` is the callback's id. */
export interface CallbackOffered {
  readonly type: 'callback_offer';
  readonly offer: CallbackOfferView;
}

/** A promise to call somebody back. */
export interface CallbackView {
  readonly callback_id: string;
  readonly call_id: string;
  readonly number: string;
  readonly reason: string;
  readonly urgency: 'low' | 'medium' | 'high' | 'critical';
  readonly brief: BriefView | null;
  readonly promised_at: number;
  readonly not_before: number;
  readonly by: number;
  readonly state: 'waiting' | 'claimed' | 'done' | 'failed' | 'expired' | 'withdrawn';
  readonly tries: number;
  readonly operator_id: string | null;
  readonly epoch: number | null;
  readonly claim_until: number | null;
  readonly note: string;
}

/** What the AI or a reviewer would do with a turn. */
export interface ChoiceView {
  readonly intent: string | null;
  readonly label: string;
  readonly text: string;
}

/** The first message: the whole state. */
export interface Hello {
  readonly type: 'hello';
  readonly me: OperatorView;
  readonly operators: readonly OperatorView[];
  readonly calls: readonly CallView[];
  readonly offers: readonly OfferView[];
  readonly approvals: readonly ApprovalView[];
  readonly reviews: readonly ReviewView[];
  readonly alerts: readonly AlertView[];
  readonly callbacks: readonly CallbackView[];
  readonly callback_offers: readonly CallbackOfferView[];
  readonly queue: readonly WaitingView[];
  readonly server_time: number;
  readonly version: string;
  readonly guidelines: string;
}

/** Something that callers come for, as reviewers may choose it. */
export interface IntentView {
  readonly intent: string;
  readonly label: string;
}

/** A ringing offer is over. */
export interface OfferOver {
  readonly type: 'offer_over';
  readonly offer_id: string;
  readonly call_id: string;
  readonly reason:
    | 'accepted'
    | 'taken'
    | 'lapsed'
    | 'declined'
    | 'withdrawn'
    | 'caller_gone'
    | 'away'
    | 'rest'
    | 'busy'
    | 'stale'
    | 'unknown'
    | 'draining';
  readonly message: string;
}

/** A call that rings. */
export interface OfferView {
  readonly offer_id: string;
  readonly call_id: string;
  readonly caller: string;
  readonly brief: BriefView;
  readonly expires_at: number;
  readonly seconds: number;
}

/** A call rings at this console. */
export interface Offered {
  readonly type: 'offer';
  readonly offer: OfferView;
}

/** A colleague came, left or changed presence (`me` included). */
export interface OperatorChanged {
  readonly type: 'operator';
  readonly operator: OperatorView;
}

/** A colleague signed out. */
export interface OperatorGone {
  readonly type: 'operator_gone';
  readonly operator_id: string;
}

/** A colleague on the floor. */
export interface OperatorView {
  readonly operator_id: string;
  readonly name: string;
  readonly presence: 'available' | 'away' | 'break' | 'offered' | 'in_call' | 'wrap_up';
  readonly call_id: string | null;
  readonly role: 'operator' | 'supervisor';
  readonly skills: readonly string[];
  readonly languages: readonly string[];
  readonly seniority: 'standard' | 'senior' | 'on_call';
  readonly load: number;
  readonly resting: boolean;
}

/** Confidence and risk after one caller turn. Risk above `high` starts a handoff at once, above `low` in `CallView.low_turns` turns in a row. Null: this policy does not decide by risk. A mark above 1 is reached by no risk. */
export interface Point {
  readonly turn: number;
  readonly at: number;
  readonly confidence: number;
  readonly risk: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** A command could not be carried out; says what is wrong and how to mend it. */
export interface Problem {
  readonly type: 'problem';
  readonly message: string;
}

/** Who waits for a person, in order of service. */
export interface QueueChanged {
  readonly type: 'queue';
  readonly queue: readonly WaitingView[];
}

/** One reason of a decision. */
export interface ReasonView {
  readonly code: string;
  readonly words: string;
  readonly weight: number;
}

/** This operator must rest, or has rested. */
export interface RestChanged {
  readonly type: 'rest';
  readonly resting: boolean;
  readonly worked_minutes: number;
  readonly message: string;
}

/** A turn to decide beside the AI; whoever chooses first has it. */
export interface ReviewAsked {
  readonly type: 'review';
  readonly review: ReviewView;
}

/** A review needs nothing from this operator any more, or what they sent had no effect. */
export interface ReviewOver {
  readonly type: 'review_over';
  readonly review_id: string;
  readonly reason: string;
  readonly message: string;
}

/** This operator has chosen: what the AI chose. Do the two come to the same (`review_verdict`)? */
export interface ReviewRevealed {
  readonly type: 'review_reveal';
  readonly review_id: string;
  readonly ai: ChoiceView;
  readonly mine: ChoiceView;
  readonly expires_at: number;
  readonly seconds: number;
}

/** A caller's turn that a person decides beside the AI, without knowing what the AI makes of it. */
export interface ReviewView {
  readonly review_id: string;
  readonly call_id: string;
  readonly turn: number;
  readonly question: string;
  readonly choices: readonly IntentView[];
  readonly expires_at: number;
  readonly seconds: number;
}

/** The latest lines and all points so far, sent after `watch`. */
export interface Transcript {
  readonly type: 'transcript_all';
  readonly call_id: string;
  readonly entries: readonly TranscriptEntry[];
  readonly more: boolean;
  readonly points: readonly Point[];
}

/** A transcript line is new or different. */
export interface TranscriptChanged {
  readonly type: 'transcript';
  readonly call_id: string;
  readonly entry: TranscriptEntry;
}

/** The lines just before those that a console has, sent after `earlier`. */
export interface TranscriptEarlier {
  readonly type: 'transcript_earlier';
  readonly call_id: string;
  readonly entries: readonly TranscriptEntry[];
  readonly more: boolean;
}

/** One line of a transcript; an entry with the same `seq` replaces the former one. */
export interface TranscriptEntry {
  readonly seq: number;
  readonly role: 'caller' | 'agent' | 'operator' | 'system';
  readonly text: string;
  readonly heard: string | null;
  readonly final: boolean;
  readonly at: number;
  readonly asr_confidence?: number | null;
}

/** This operator is no longer talking to the caller. */
export interface Unbridged {
  readonly type: 'unbridged';
  readonly call_id: string;
  readonly reason: string;
  readonly message: string;
}

/** A call that waits for a person. */
export interface WaitingView {
  readonly call_id: string;
  readonly urgency: 'low' | 'medium' | 'high' | 'critical';
  readonly points: number;
  readonly band: 'senior' | 'standard' | 'cleared';
  readonly since: number;
  readonly overridden: boolean;
  readonly rings_at: string | null;
}

/** To supervisors: a warning no longer stands. */
export interface WarningOver {
  readonly type: 'warning_over';
  readonly code:
    | 'overrides'
    | 'queue'
    | 'under_routed'
    | 'fatigue'
    | 'calibration_h'
    | 'calibration_q';
}

/** To supervisors: a warning stands; again with the same code: it reads differently now. */
export interface WarningRaised {
  readonly type: 'warning';
  readonly warning: WarningView;
}

/** Something about the whole system that a supervisor should look at. */
export interface WarningView {
  readonly code:
    | 'overrides'
    | 'queue'
    | 'under_routed'
    | 'fatigue'
    | 'calibration_h'
    | 'calibration_q';
  readonly since: number;
  readonly words: string;
  readonly evidence: Readonly<Record<string, number>>;
  readonly todo: string;
}

/** What the server sends. */
export type ServerMessage =
  | Hello
  | CallChanged
  | CallGone
  | TranscriptChanged
  | Transcript
  | TranscriptEarlier
  | Offered
  | OfferOver
  | Alerted
  | AlertOver
  | CallbackOffered
  | CallbackChanged
  | RestChanged
  | QueueChanged
  | ApprovalAsked
  | ApprovalOver
  | AnswerTaken
  | ReviewAsked
  | ReviewRevealed
  | ReviewOver
  | AuditShown
  | AuditOver
  | WarningRaised
  | WarningOver
  | Bridged
  | Unbridged
  | OperatorChanged
  | OperatorGone
  | Problem;

/** Take an offered call. */
export interface Accept {
  readonly type: 'accept';
  readonly offer_id: string;
}

/** Let the AI do what it wants, or, with `arguments`, that with other values. */
export interface Approve {
  readonly type: 'approve';
  readonly approval_id: string;
  readonly digest: string;
  readonly arguments?: Readonly<Record<string, string>> | null;
}

/** Whether what the AI did was right. */
export interface AuditVerdict {
  readonly type: 'audit_answer';
  readonly audit_id: string;
  readonly verdict: 'right' | 'wrong' | 'unsure';
  readonly note?: string;
}

/** What became of a callback that this operator has: the caller was reached, or not. */
export interface CloseCallback {
  readonly type: 'close_callback';
  readonly callback_id: string;
  readonly epoch: number;
  readonly reached: boolean;
  readonly note?: string;
}

/** Do not take an offered call. */
export interface Decline {
  readonly type: 'decline';
  readonly offer_id: string;
}

/** Receive lines of the watched call from before line `before`. */
export interface Earlier {
  readonly type: 'earlier';
  readonly call_id: string;
  readonly before: number;
}

/** End the call for the caller as well. */
export interface EndCall {
  readonly type: 'end_call';
  readonly call_id: string;
  readonly epoch: number;
}

/** Give the call back to the AI. */
export interface HandBack {
  readonly type: 'hand_back';
  readonly call_id: string;
  readonly epoch: number;
  readonly note?: string;
}

/** Show something to judge. */
export interface NextAudit {
  readonly type: 'next_audit';
}

/** Change the place of a waiting call; for supervisors. Reassigning names the operator (`to`). */
export interface Override {
  readonly type: 'override';
  readonly call_id: string;
  readonly action: 'raise' | 'lower' | 'clear' | 'reassign';
  readonly why: string;
  readonly to?: string | null;
}

/** Do not let the AI do it. */
export interface Reject {
  readonly type: 'reject';
  readonly approval_id: string;
  readonly digest: string;
  readonly reason: string;
}

/** Do not let the AI do it; it says this to the caller instead. */
export interface Respond {
  readonly type: 'respond';
  readonly approval_id: string;
  readonly digest: string;
  readonly text: string;
}

/** What this operator would do with a turn: one of the intents, or, in words, something else. */
export interface ReviewChoice {
  readonly type: 'review_choice';
  readonly review_id: string;
  readonly intent?: string | null;
  readonly text?: string;
}

/** Whether the AI's choice and this operator's come to the same. */
export interface ReviewVerdict {
  readonly type: 'review_verdict';
  readonly review_id: string;
  readonly equal: boolean;
}

/** Go available, away, or on a break: then on-call alerts keep silent too. */
export interface SetPresence {
  readonly type: 'presence';
  readonly presence: 'available' | 'away' | 'break';
}

/** Take a live call that was not offered. */
export interface Take {
  readonly type: 'take';
  readonly call_id: string;
}

/** Receive the transcript of a call; `call_id=None` stops watching. */
export interface Watch {
  readonly type: 'watch';
  readonly call_id: string | null;
}

/** The caller needs no call any more; for whoever has the callback, and supervisors. */
export interface WithdrawCallback {
  readonly type: 'withdraw_callback';
  readonly callback_id: string;
  readonly note?: string;
}

/** Ready before the wrap-up time is over. */
export interface WrapUpDone {
  readonly type: 'wrap_up_done';
}

/** What the console sends. */
export type ConsoleMessage =
  | SetPresence
  | WrapUpDone
  | Accept
  | Decline
  | Take
  | Override
  | CloseCallback
  | WithdrawCallback
  | HandBack
  | EndCall
  | Watch
  | Earlier
  | Approve
  | Reject
  | Respond
  | ReviewChoice
  | ReviewVerdict
  | NextAudit
  | AuditVerdict;

/** `POST /api/v1/setup`: the one-time link makes the first account. */
export interface SetUp {
  readonly token: string;
  readonly name: string;
  readonly password: string;
}

/** `POST /api/v1/session`. */
export interface SignIn {
  readonly name: string;
  readonly password: string;
}

/** `POST /api/v1/calls/{call_id}/disposition`: whether the handoff was right, says who took it. */
export interface DispositionBody {
  readonly verdict: 'needed' | 'premature' | 'too_late' | 'not_needed';
  readonly note?: string;
}

/** `POST /api/v1/exercises`: a past approval with the answer that was right, to practise on. */
export interface ExerciseBody {
  readonly approval_id: string;
  readonly answer: 'approve' | 'reject';
}

/** `POST /api/v1/exercises/audits`: a past audit with the verdict that was right, to practise on. */
export interface AuditExerciseBody {
  readonly audit_id: string;
  readonly verdict: 'right' | 'wrong';
}

/** Something that the AI means to do, or did; the longest in its column comes first. */
export interface CardView {
  readonly task_id: string;
  readonly call_id: string;
  readonly title: string;
  readonly moves: readonly MoveView[];
}

/** A column of the work board. */
export interface ColumnView {
  readonly column:
    | 'queued'
    | 'processing'
    | 'review'
    | 'approved'
    | 'executed'
    | 'rejected'
    | 'expired'
    | 'failed';
  readonly count: number;
  readonly oldest: number;
  readonly mean: number;
  readonly cards: readonly CardView[];
}

/** A task came to a column. */
export interface MoveView {
  readonly column:
    | 'queued'
    | 'processing'
    | 'review'
    | 'approved'
    | 'executed'
    | 'rejected'
    | 'expired'
    | 'failed';
  readonly by: string;
  readonly at: number;
  readonly note: string;
}

/** `GET /api/v1/work`: every task of the AI by column, from left to right. */
export interface WorkBoard {
  readonly columns: readonly ColumnView[];
  readonly refused: number;
}

/** Something that was not done, or may have been, and that somebody must see to. */
export interface FollowUpView {
  readonly approval_id: string;
  readonly call_id: string;
  readonly caller: string;
  readonly action: string;
  readonly summary: string;
  readonly arguments: Readonly<Record<string, string>>;
  readonly status: string;
  readonly words: string;
  readonly asked_at: number;
  readonly closed_at: number;
}

/** `GET /api/v1/follow-ups`: what somebody must see to, oldest first. */
export interface FollowUps {
  readonly follow_ups: readonly FollowUpView[];
}

/** The controller that keeps the share of calls that go to people in its band. */
export interface BudgetView {
  readonly state: 'off' | 'starting' | 'within' | 'above' | 'below' | 'frozen' | 'conflict';
  readonly words: string;
  readonly price: number;
  readonly low: number;
  readonly high: number;
  readonly share: FigureView;
  readonly hard_share: FigureView;
}

/** The moving average of overrides with its control limits. */
export interface ChartView {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** One figure with its 95 % interval; all three None where `note` says why there is none. */
export interface FigureView {
  readonly name: string;
  readonly label: string;
  readonly unit: 'share' | 'seconds' | 'score';
  readonly n: number;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly note: string;
}

/** `GET /api/v1/figures`: the figures of the whole system, people included. */
export interface FiguresView {
  readonly at: number;
  readonly window_hours: number;
  readonly figures: readonly FigureView[];
  readonly overrides: ChartView;
  readonly shift: ShiftView;
  readonly warnings: readonly WarningView[];
  readonly budget: BudgetView | null;
}

/** Everyone's accuracy in some minutes of their shifts. */
export interface ShiftBinView {
  readonly start: number;
  readonly end: number | null;
  readonly people: number;
  readonly accuracy: FigureView;
}

/** Accuracy over minutes on shift, of everyone together. */
export interface ShiftView {
  readonly bins: readonly ShiftBinView[];
  readonly drop: number | null;
  readonly p: number | null;
  readonly note: string;
}

/** Who is signed in (`GET /api/v1/session`, 401 when nobody is). */
export interface Session {
  readonly operator_id: string;
  readonly name: string;
  readonly role?: 'operator' | 'supervisor';
}

/** Every REST error: what is wrong and how to mend it. */
export interface ErrorBody {
  readonly error: string;
}

/** The types of `ServerMessage` that this console knows. */
export const SERVER_MESSAGES: readonly ServerMessage['type'][] = [
  'alert',
  'alert_over',
  'answer',
  'approval',
  'approval_over',
  'audit',
  'audit_over',
  'bridged',
  'call',
  'call_ended',
  'callback',
  'callback_offer',
  'hello',
  'offer',
  'offer_over',
  'operator',
  'operator_gone',
  'problem',
  'queue',
  'rest',
  'review',
  'review_over',
  'review_reveal',
  'transcript',
  'transcript_all',
  'transcript_earlier',
  'unbridged',
  'warning',
  'warning_over',
];
