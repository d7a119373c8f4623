/** After a call: was it right to hand it to a person? One answer teaches the AI when to. */

import { Button, CloseButton, SegmentedControl, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useDesk, useFloor } from '../../desk-context';
import { dispose, Refused } from '../../net/http';
import type { WrapUp } from '../../state/floor';
import panel from '../../ui/Panel.module.css';
import type { DispositionBody } from '../../wire';
import styles from './WrapUpCard.module.css';

const VERDICTS: readonly { value: DispositionBody['verdict']; label: string }[] = [
  { value: 'needed', label: 'Needed' },
  { value: 'premature', label: 'Premature' },
  { value: 'too_late', label: 'Too late' },
  { value: 'not_needed', label: 'Not needed' },
];
const LONGEST_NOTE = 2000;

/** The card of the latest call that was not judged; out of the way while the next call is talked on. */
export function WrapUpCard() {
  const latest = useFloor((floor) => (floor.bridge === null ? floor.wrapUps[0] : undefined));
  return latest === undefined ? null : <Card key={latest.callId} call={latest} />;
}

function Card({ call }: { readonly call: WrapUp }) {
  const desk = useDesk();
  const [verdict, setVerdict] = useState<DispositionBody['verdict'] | null>(null);
  const [note, setNote] = useState('');
  const [sending, setSending] = useState(false);

  const done = (): void => desk.dispatch({ kind: 'wrapped', callId: call.callId });
  const send = async (): Promise<void> => {
    if (verdict === null || sending) {
      return;
    }
    setSending(true);
    try {
      await dispose(call.callId, { verdict, note: note.trim() });
      done();
      desk.dispatch({ kind: 'notice', tone: 'good', title: 'Noted', text: 'Thank you.' });
    } catch (error) {
      const text = error instanceof Refused ? error.message : 'Try again.';
      desk.dispatch({ kind: 'notice', tone: 'bad', title: 'Not noted', text });
      setSending(false);
    }
  };

  return (
    <section className={`${panel.panel} ${styles.card}`} aria-labelledby="wrap-up">
      <div className={styles.head}>
        <h2 id="wrap-up" className={panel.heading}>
          Was this handoff needed?
        </h2>
        <span className={`${styles.caller} number`}>{call.caller}</span>
        <CloseButton className={styles.skip} size="sm" aria-label="Skip" onClick={done} />
      </div>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <SegmentedControl
          aria-label="Was this handoff needed?"
          size="sm"
          transitionDuration={120}
          value={verdict ?? ''}
          onChange={(value) => setVerdict(value as DispositionBody['verdict'])}
          data={[...VERDICTS]}
        />
        <TextInput
          className={styles.note}
          size="sm"
          aria-label="Note"
          placeholder="Note (optional)"
          maxLength={LONGEST_NOTE}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <Button type="submit" size="sm" disabled={verdict === null} loading={sending}>
          Send
        </Button>
      </form>
    </section>
  );
}
