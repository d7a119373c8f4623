/** What the AI wants to do and may not do alone: one question opened, the others in a line below it. */

import { useState } from 'react';
import { useDesk, useFloor } from '../../desk-context';
import { byUrgency } from '../../state/approvals';
import panel from '../../ui/Panel.module.css';
import type { ApprovalView } from '../../wire';
import { useShortcut } from '../help/use-shortcut';
import { CountdownRing } from '../offer/CountdownRing';
import { ApprovalCard } from './ApprovalCard';
import styles from './Approvals.module.css';

const CARD = 'open-approval';

export function Approvals() {
  const sorted = byUrgency(useFloor((floor) => floor.approvals));
  const [chosen, setChosen] = useState<string | null>(null);
  // What is open stays open: a more urgent one must not slip under the pointer or the keys.
  const open = sorted.find(({ approval_id }) => approval_id === chosen) ?? sorted[0];
  if (open !== undefined && open.approval_id !== chosen) {
    setChosen(open.approval_id);
  }
  useShortcut('r', () => document.getElementById(CARD)?.focus());
  if (open === undefined) {
    return null;
  }
  const others = sorted.filter((approval) => approval !== open);
  return (
    <section className={styles.inbox} aria-label="The AI asks you">
      <ApprovalCard key={`${open.approval_id} ${open.digest}`} id={CARD} approval={open} />
      {others.length > 0 && (
        <section className={`${panel.panel} ${styles.others}`} aria-labelledby="also-asked">
          <h3 id="also-asked" className={`label ${styles.heading}`}>
            Also waiting for you
          </h3>
          <ul className={styles.rows}>
            {others.map((approval) => (
              <li key={approval.approval_id}>
                <Row approval={approval} onOpen={() => setChosen(approval.approval_id)} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </section>
  );
}

interface RowProps {
  readonly approval: ApprovalView;
  readonly onOpen: () => void;
}

function Row({ approval, onOpen }: RowProps) {
  const desk = useDesk();
  return (
    <button type="button" className={styles.row} onClick={onOpen}>
      <CountdownRing timer={approval} now={() => desk.now()} size="small" />
      <span className={styles.words}>
        <span className={styles.summary}>{approval.summary}</span>
        <span className={`${styles.caller} number`}>
          {approval.caller} · risk {approval.risk}
          {approval.veto && ' · done unless you object'}
        </span>
      </span>
    </button>
  );
}
