/** How a call stands, as badges. */

import type { CallGone, CallView } from '../wire';
import { Badge, type BadgeTone } from './Badge';
import { ShieldIcon } from './icons';

const STATES: Readonly<
  Record<CallView['state'], { readonly words: string; readonly tone: BadgeTone }>
> = {
  ai: { words: 'With the AI', tone: 'plain' },
  waiting: { words: 'Waiting for a person', tone: 'warn' },
  bridging: { words: 'Connecting', tone: 'warn' },
  operator: { words: 'With a person', tone: 'good' },
  ended: { words: 'Ended', tone: 'plain' },
};

const OUTCOMES: Readonly<
  Record<CallGone['outcome'], { readonly words: string; readonly tone: BadgeTone }>
> = {
  automated: { words: 'Done by the AI', tone: 'plain' },
  handed_off: { words: 'Done with a person', tone: 'good' },
  abandoned: { words: 'Caller gave up', tone: 'warn' },
  failed: { words: 'Failed', tone: 'bad' },
};

/** Who has the call; `mine` is this operator. */
export function StateBadge({ call, mine }: { readonly call: CallView; readonly mine: boolean }) {
  const { words, tone } = STATES[call.state];
  const name = call.state === 'operator' ? (mine ? 'You' : call.operator_name) : null;
  return <Badge tone={tone}>{name === null ? words : `With ${mine ? 'you' : name}`}</Badge>;
}

export function OutcomeBadge({ outcome }: { readonly outcome: CallGone['outcome'] }) {
  const { words, tone } = OUTCOMES[outcome];
  return <Badge tone={tone}>{words}</Badge>;
}

export function SafeModeBadge() {
  return (
    <Badge tone="warn" title="Nobody was free: the AI goes on and does nothing irreversible.">
      <ShieldIcon size={13} />
      Safe mode
    </Badge>
  );
}
