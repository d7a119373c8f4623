/** A callback that this operator has: whom to call, and what became of it. */

import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useDesk, useFloor, useServerNow } from '../../desk-context';
import { clock } from '../../lib/format';
import { myCallbacks } from '../../state/duties';
import panel from '../../ui/Panel.module.css';
import type { CallbackView } from '../../wire';
import styles from './CallbackCard.module.css';

const LONGEST = 500;

/** Out of the way while a call is talked on. */
export function CallbackCard() {
  const floor = useFloor((whole) => whole);
  const mine = floor.bridge === null ? myCallbacks(floor)[0] : undefined;
  return mine === undefined ? null : <Card key={mine.callback_id} callback={mine} />;
}

function Card({ callback }: { readonly callback: CallbackView }) {
  const desk = useDesk();
  const now = useServerNow();
  const [note, setNote] = useState('');
  const left = callback.by - now;
  return (
    <section className={`${panel.panel} ${styles.card}`} aria-label="Your callback">
      <p className={styles.head}>
        <strong className="number">Call back {callback.number}</strong>
        <span className={`${styles.dim} number`}>
          {left >= 0 ? `due in ${clock(left)}` : `late by ${clock(-left)}`}
        </span>
      </p>
      <p>{callback.reason}</p>
      <div className={styles.actions}>
        <TextInput
          className={styles.note}
          size="sm"
          aria-label="Note"
          placeholder="Note (optional)"
          maxLength={LONGEST}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <Button size="sm" onClick={() => desk.closeCallback(callback, true, note.trim())}>
          Reached
        </Button>
        <Button
          size="sm"
          variant="default"
          onClick={() => desk.closeCallback(callback, false, note.trim())}
        >
          Not reached
        </Button>
        <Button
          size="sm"
          variant="default"
          onClick={() => desk.withdrawCallback(callback, note.trim())}
        >
          No longer needed
        </Button>
      </div>
    </section>
  );
}
