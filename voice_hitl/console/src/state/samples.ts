/** Builders of wire values for tests. */

import type {
  ApprovalView,
  BriefView,
  CallView,
  Hello,
  OfferView,
  OperatorView,
  Point,
  TranscriptEntry,
} from '../wire';

export const operator = (change: Partial<OperatorView> = {}): OperatorView => ({
  operator_id: 'op-1',
  name: 'Dana Okafor',
  presence: 'available',
  call_id: null,
  role: 'operator',
  skills: [],
  languages: [],
  seniority: 'standard',
  load: 0,
  resting: false,
  ...change,
});

export const call = (change: Partial<CallView> = {}): CallView => ({
  call_id: 'c-1',
  caller: '+15550100',
  pack: 'banking',
  started_at: 1000,
  state: 'ai',
  safe_mode: false,
  operator_id: null,
  operator_name: null,
  intent: null,
  turns: 0,
  points: [],
  low_turns: 2,
  armed: true,
  reasons: [],
  ...change,
});

export const atRisk = (id: string, risk: number, started = 1000): CallView =>
  call({
    call_id: id,
    started_at: started,
    points: [point(1, { at: started + 5, confidence: 1 - risk, risk })],
  });

export const point = (turn: number, change: Partial<Point> = {}): Point => ({
  turn,
  at: 1000 + 10 * turn,
  confidence: 0.9,
  risk: 0.1,
  low: 0.2,
  high: 0.35,
  ...change,
});

export const line = (seq: number, change: Partial<TranscriptEntry> = {}): TranscriptEntry => ({
  seq,
  role: 'caller',
  text: `line ${seq}`,
  heard: null,
  final: true,
  at: 1000 + seq,
  asr_confidence: null,
  ...change,
});

export const brief = (change: Partial<BriefView> = {}): BriefView => ({
  why: 'The caller asked for a person.',
  reasons: [{ code: 'explicit_request', words: 'Asked for a person', weight: 1 }],
  urgency: 'high',
  who: 'Unknown caller',
  intent: null,
  slots: {},
  tried: [],
  pending: null,
  exchanges: [],
  next_step: 'Ask what the call is about.',
  ...change,
});

export const offer = (change: Partial<OfferView> = {}): OfferView => ({
  offer_id: 'o-1',
  call_id: 'c-1',
  caller: '+15550100',
  brief: brief(),
  expires_at: 1015,
  seconds: 15,
  ...change,
});

export const approval = (change: Partial<ApprovalView> = {}): ApprovalView => ({
  approval_id: 'a-1',
  call_id: 'c-1',
  caller: '+15550100',
  action: 'transfer',
  summary: 'Transfer $50.00 to savings',
  arguments: { amount: '50.00', to: 'savings' },
  digest: 'd'.repeat(64),
  effect: 'irreversible',
  amount: 50,
  risk: 62,
  reasons: ['the action itself is risky'],
  reasoning: 'The caller asked for it.',
  alternatives: [],
  doubts: [],
  veto: false,
  second: false,
  expires_at: 1045,
  seconds: 45,
  ...change,
});

export const hello = (change: Partial<Hello> = {}): Hello => ({
  type: 'hello',
  me: operator(),
  operators: [operator()],
  calls: [],
  offers: [],
  approvals: [],
  reviews: [],
  alerts: [],
  callbacks: [],
  callback_offers: [],
  queue: [],
  server_time: 1000,
  version: '1',
  guidelines: '',
  ...change,
});
