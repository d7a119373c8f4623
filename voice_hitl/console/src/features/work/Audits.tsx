/** Post-hoc audit: was what the AI did alone right? */

import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useDesk, useFloor } from '../../desk-context';
import { percent, words } from '../../lib/format';
import { Badge } from '../../ui/Badge';
import type { AuditVerdict, AuditView } from '../../wire';
import { CountdownRing } from '../offer/CountdownRing';
import part from './Part.module.css';

const KINDS: Readonly<Record<AuditView['kind'], string>> = {
  decision: 'Decision',
  action: 'Action',
  call: 'Whole call',
  line: 'Line',
};
const PATHS: Readonly<Record<AuditView['path'], string>> = {
  automatic: 'Done alone',
  vetoable: 'Could be vetoed',
  approved: 'Approved by a person',
  handed_off: 'Handed to a person',
};
const VERDICTS: readonly { value: AuditVerdict['verdict']; label: string }[] = [
  { value: 'right', label: 'Right' },
  { value: 'wrong', label: 'Wrong' },
  { value: 'unsure', label: 'Unsure' },
];
const LONGEST = 500;

export function Audits() {
  const desk = useDesk();
  const audit = useFloor((floor) => floor.audit);
  const auditing = useFloor((floor) => floor.auditing);
  return (
    <div className={part.column}>
      <p className={part.intro}>
        A sample of what the AI did without a person. Your verdict tells how often it errs.
      </p>
      {audit === null ? (
        <div className={part.actions}>
          <Button loading={auditing === 'asked'} onClick={() => desk.nextAudit()}>
            Show me one
          </Button>
          <span role="status">
            {auditing === 'nothing' && 'There is nothing for you to judge now.'}
          </span>
        </div>
      ) : (
        <OneAudit key={audit.audit_id} audit={audit} />
      )}
    </div>
  );
}

function OneAudit({ audit }: { readonly audit: AuditView }) {
  const desk = useDesk();
  const [verdict, setVerdict] = useState<AuditVerdict['verdict'] | null>(null);
  const [note, setNote] = useState('');
  return (
    <article className={part.card} aria-label="What the AI did">
      <div className={part.head}>
        <CountdownRing timer={audit} now={() => desk.now()} size="small" />
        <h2 className={part.title}>{audit.summary}</h2>
      </div>
      <p className={part.facts}>
        <Badge tone="plain">{KINDS[audit.kind]}</Badge>
        <Badge tone="accent">{PATHS[audit.path]}</Badge>
        {audit.category !== '' && <span>{words(audit.category)}</span>}
        <span className="number">Turn {audit.turn}</span>
        <span className="number">Risk {percent(audit.risk)} %</span>
      </p>
      <form
        className={part.actions}
        onSubmit={(event) => {
          event.preventDefault();
          if (verdict !== null) {
            desk.judge(audit.audit_id, verdict, note.trim());
          }
        }}
      >
        <SegmentedControl
          aria-label="Was it right?"
          transitionDuration={120}
          value={verdict ?? ''}
          onChange={(value) => setVerdict(value as AuditVerdict['verdict'])}
          data={[...VERDICTS]}
        />
        <TextInput
          aria-label="Note"
          placeholder="Note (optional)"
          maxLength={LONGEST}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <Button type="submit" disabled={verdict === null}>
          Send
        </Button>
      </form>
    </article>
  );
}
