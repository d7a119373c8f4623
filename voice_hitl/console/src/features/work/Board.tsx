/** The work board: every task of the AI, from wish to result. */

import { useServerNow } from '../../desk-context';
import { ago, clock } from '../../lib/format';
import { useLoaded } from '../../lib/use-loaded';
import { workBoard } from '../../net/http';
import type { CardView, ColumnView } from '../../wire';
import styles from './Board.module.css';
import part from './Part.module.css';

const LOADED_EVERY = 3;

const TITLES: Readonly<Record<ColumnView['column'], string>> = {
  queued: 'Queued',
  processing: 'AI processing',
  review: 'Human review',
  approved: 'Approved',
  executed: 'Executed',
  rejected: 'Rejected',
  expired: 'Expired',
  failed: 'Failed',
};

export function Board() {
  const { value, problem } = useLoaded(workBoard, LOADED_EVERY);
  return (
    <>
      {problem !== null && (
        <p className={part.problem} role="alert">
          {problem}
        </p>
      )}
      {value !== null && value.refused > 0 && (
        <p className={part.problem} role="status">
          {value.refused} moves that no task may make were refused lately: tell whoever runs the
          server.
        </p>
      )}
      <div className={styles.board}>
        {value?.columns.map((column) => (
          <Column key={column.column} column={column} />
        ))}
      </div>
    </>
  );
}

function Column({ column }: { readonly column: ColumnView }) {
  const title = TITLES[column.column];
  return (
    <section className={styles.column} aria-label={title} data-column={column.column}>
      <h2 className={styles.heading}>
        {title} <span className={`${styles.count} number`}>{column.count}</span>
      </h2>
      <p className={`${styles.times} number`}>
        {column.count > 0 && `oldest ${clock(column.oldest)} · mean ${clock(column.mean)}`}
      </p>
      <ul className={styles.cards}>
        {column.cards.map((card) => (
          <li key={card.task_id}>
            <Card card={card} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Who moves a task where no operator does. */
const MOVERS: Readonly<Record<string, string>> = {
  agent: 'the AI',
  policy: 'the policy',
  caller: 'the caller',
  deadline: 'the deadline',
  server: 'the server',
};

function Card({ card }: { readonly card: CardView }) {
  const now = useServerNow();
  const last = card.moves.at(-1);
  return (
    <article className={styles.card}>
      <p className={styles.title}>{card.title}</p>
      {last !== undefined && (
        <p className={`${styles.who} number`}>
          {ago(now - last.at)}
          {last.by !== '' && ` · ${MOVERS[last.by] ?? last.by}`}
        </p>
      )}
      {last !== undefined && last.note !== '' && <p className={styles.who}>{last.note}</p>}
    </article>
  );
}
