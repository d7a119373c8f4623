/** What was not done, or may have been: somebody must see to it. */

import { Button } from '@mantine/core';
import { useState } from 'react';
import { useDesk, useServerNow } from '../../desk-context';
import { ago, words } from '../../lib/format';
import { useLoaded } from '../../lib/use-loaded';
import { followedUp, followUps, Refused } from '../../net/http';
import { Badge } from '../../ui/Badge';
import { CheckIcon } from '../../ui/icons';
import type { FollowUpView } from '../../wire';
import part from './Part.module.css';

const LOADED_EVERY = 10;

/** How it ended, for whoever sees to it. */
const ENDINGS: Readonly<Record<string, string>> = {
  expired: 'Nobody answered in time',
  lapsed: 'Approved, but not done in time',
  unknown: 'Begun, and nobody knows how it went',
  caller_gone: 'The caller hung up',
  draining: 'The server was shutting down',
  interrupted: 'The server stopped before it was done',
  failed: 'It failed',
};

export function FollowUpList() {
  const { value, problem, again } = useLoaded(followUps, LOADED_EVERY);
  return (
    <div className={part.column}>
      <p className={part.intro}>What callers wanted and did not get, oldest first.</p>
      {problem !== null && (
        <p className={part.problem} role="alert">
          {problem}
        </p>
      )}
      {value?.follow_ups.length === 0 && <p>Nothing is left undone.</p>}
      {value?.follow_ups.map((item) => (
        <FollowUp key={item.approval_id} item={item} onDone={again} />
      ))}
    </div>
  );
}

interface FollowUpProps {
  readonly item: FollowUpView;
  readonly onDone: () => void;
}

function FollowUp({ item, onDone }: FollowUpProps) {
  const desk = useDesk();
  const now = useServerNow();
  const [sent, setSent] = useState(false);
  const done = async (): Promise<void> => {
    setSent(true);
    try {
      await followedUp(item.approval_id);
      onDone();
    } catch (error) {
      setSent(false);
      const text = error instanceof Refused ? error.message : 'Try again.';
      desk.dispatch({ kind: 'notice', tone: 'bad', title: 'Not marked', text });
    }
  };
  return (
    <article className={part.card} aria-label={item.summary}>
      <div className={part.head}>
        <h2 className={part.title}>{item.summary}</h2>
        <Button
          className={part.end}
          variant="default"
          loading={sent}
          leftSection={<CheckIcon size={16} />}
          onClick={() => void done()}
        >
          Done
        </Button>
      </div>
      <p className={part.facts}>
        <Badge tone="warn">{ENDINGS[item.status] ?? words(item.status)}</Badge>
        <span className="number">{item.caller}</span>
        <span>{ago(now - item.closed_at)}</span>
        {item.words !== '' && <span>{item.words}</span>}
      </p>
      <p className={part.facts}>
        {Object.entries(item.arguments).map(([name, value]) => (
          <span key={name} className="number">
            {words(name)}: {value}
          </span>
        ))}
      </p>
    </article>
  );
}
