/** Who else is on the floor, and what they do. */

import { useFloor } from '../../desk-context';
import { initials } from '../../lib/format';
import type { Floor } from '../../state/floor';
import { colleagues } from '../../state/views';
import panel from '../../ui/Panel.module.css';
import type { OperatorView } from '../../wire';
import styles from './Colleagues.module.css';

const WORDS: Readonly<Record<OperatorView['presence'], string>> = {
  available: 'Available',
  away: 'Away',
  break: 'On a break',
  offered: 'Being called',
  in_call: 'In a call',
  wrap_up: 'Wrapping up',
};

export function Colleagues() {
  const floor = useFloor((whole) => whole);
  const others = colleagues(floor);
  return (
    <section className={`${panel.panel} ${styles.panel}`} aria-labelledby="colleagues">
      <div className={panel.head}>
        <h2 id="colleagues" className={panel.heading}>
          Colleagues
        </h2>
        <span className={`${panel.count} number`}>{others.length}</span>
      </div>
      {others.length === 0 ? (
        <p className={styles.nobody}>Nobody else is signed in.</p>
      ) : (
        <ul className={styles.list}>
          {others.map((operator) => (
            <li key={operator.operator_id} className={styles.person}>
              <span className={styles.avatar} aria-hidden="true">
                {initials(operator.name)}
                <span className={styles.dot} data-presence={operator.presence} />
              </span>
              <span className={styles.words}>
                <span className={styles.name}>{operator.name}</span>
                <span className={`${styles.doing} number`}>{doing(floor, operator)}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function doing(floor: Floor, operator: OperatorView): string {
  const call = operator.call_id === null ? undefined : floor.calls[operator.call_id];
  const words = WORDS[operator.presence];
  return operator.presence === 'in_call' && call !== undefined
    ? `${words} with ${call.caller}`
    : words;
}
