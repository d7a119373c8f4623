/** The live calls, riskiest first, and the last few that ended. */

import { useRef, useState } from 'react';
import { useDesk, useFloor } from '../../desk-context';
import { holdOrder, liveCalls } from '../../state/views';
import panel from '../../ui/Panel.module.css';
import styles from './CallList.module.css';
import { CallRow } from './CallRow';
import { EndedRow } from './EndedRow';

export function CallList() {
  const desk = useDesk();
  const floor = useFloor((whole) => whole);
  const shown = floor.view === 'calls' ? floor.selected : null;
  const sorted = liveCalls(floor);
  const order = useRef<string[]>([]);
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const calls = held === null ? sorted : holdOrder(sorted, held);

  // A row must not move away under the pointer that is about to press it.
  const hold = (): void => setHeld(order.current);
  const release = (): void => setHeld(null);
  const remember = (list: HTMLUListElement | null): void => {
    if (list !== null) {
      order.current = calls.map((call) => call.call_id);
    }
  };

  return (
    <section className={`${panel.panel} ${styles.panel}`} aria-labelledby="live-calls">
      <div className={panel.head}>
        <h2 id="live-calls" className={panel.heading}>
          Live calls
        </h2>
        <span className={`${panel.count} number`}>{calls.length}</span>
      </div>
      <div className={styles.scroll}>
        {calls.length === 0 && (
          <p className={styles.none}>No calls right now. New ones appear here by themselves.</p>
        )}
        <ul
          ref={remember}
          aria-labelledby="live-calls"
          className={styles.list}
          onPointerEnter={hold}
          onPointerLeave={release}
        >
          {calls.map((call) => (
            <li key={call.call_id}>
              <CallRow
                call={call}
                selected={call.call_id === shown}
                mine={call.operator_id !== null && call.operator_id === floor.me?.operator_id}
                onSelect={() => desk.select(call.call_id)}
              />
            </li>
          ))}
        </ul>
        {floor.ended.length > 0 && (
          <>
            <h3 id="ended-calls" className={`label ${styles.ended}`}>
              Ended
            </h3>
            <ul aria-labelledby="ended-calls" className={styles.list}>
              {floor.ended.map((ended) => (
                <li key={ended.call.call_id}>
                  <EndedRow
                    ended={ended}
                    selected={ended.call.call_id === shown}
                    onSelect={() => desk.select(ended.call.call_id)}
                  />
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </section>
  );
}
