/** Who waits for a person, in order of service; supervisors may change it and say why. */

import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useDesk, useFloor, useServerNow } from '../../desk-context';
import { clock } from '../../lib/format';
import { Badge } from '../../ui/Badge';
import type { WaitingView } from '../../wire';
import { UrgencyBadge } from '../floor/Brief';
import part from './Part.module.css';

const LONGEST = 500;

export function Queue() {
  const queue = useFloor((floor) => floor.queue);
  return (
    <div className={part.column}>
      <p className={part.intro}>Calls that wait for a person, the next to be served first.</p>
      {queue.length === 0 && <p>Nobody waits.</p>}
      {queue.map((waiting) => (
        <Place key={waiting.call_id} waiting={waiting} />
      ))}
    </div>
  );
}

function Place({ waiting }: { readonly waiting: WaitingView }) {
  const now = useServerNow();
  const caller = useFloor((floor) => floor.calls[waiting.call_id]?.caller ?? 'A caller');
  const at = useFloor((floor) => floor.operators[waiting.rings_at ?? '']?.name ?? null);
  const supervisor = useFloor((floor) => floor.me?.role === 'supervisor');
  return (
    <article className={part.card} aria-label={caller}>
      <div className={part.head}>
        <h2 className={`${part.title} number`}>{caller}</h2>
        <UrgencyBadge urgency={waiting.urgency} />
        {waiting.overridden && <Badge tone="plain">Moved by a person</Badge>}
        {at !== null && <Badge tone="good">Rings at {at}</Badge>}
      </div>
      <p className={`${part.facts} number`}>
        <span>Waits {clock(now - waiting.since)}</span>
        <span>{Math.round(waiting.points)} of 100 points</span>
        {waiting.band === 'senior' && <span>For a senior operator</span>}
      </p>
      {supervisor && <Moves callId={waiting.call_id} />}
    </article>
  );
}

function Moves({ callId }: { readonly callId: string }) {
  const desk = useDesk();
  const [why, setWhy] = useState('');
  const missing = why.trim() === '';
  const move = (action: 'raise' | 'lower' | 'clear'): void => {
    desk.override(callId, action, why.trim());
    setWhy('');
  };
  return (
    <div className={part.actions}>
      <TextInput
        size="sm"
        aria-label="Why change its place?"
        placeholder="Why change its place?"
        maxLength={LONGEST}
        value={why}
        onChange={(event) => setWhy(event.currentTarget.value)}
      />
      <Button size="sm" variant="default" disabled={missing} onClick={() => move('raise')}>
        Raise
      </Button>
      <Button size="sm" variant="default" disabled={missing} onClick={() => move('lower')}>
        Lower
      </Button>
      <Button size="sm" variant="default" disabled={missing} onClick={() => move('clear')}>
        Leave to the AI
      </Button>
    </div>
  );
}
