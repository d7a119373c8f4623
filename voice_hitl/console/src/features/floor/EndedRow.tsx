import { useServerNow } from '../../desk-context';
import { ago } from '../../lib/format';
import type { EndedCall } from '../../state/floor';
import { OutcomeBadge } from '../../ui/CallState';
import styles from './CallRow.module.css';

interface EndedRowProps {
  readonly ended: EndedCall;
  readonly selected: boolean;
  readonly onSelect: () => void;
}

export function EndedRow({ ended, selected, onSelect }: EndedRowProps) {
  const now = useServerNow();
  return (
    <button
      type="button"
      className={styles.row}
      aria-current={selected ? 'true' : undefined}
      onClick={onSelect}
    >
      <span className={styles.line}>
        <span className={`${styles.caller} number`}>{ended.call.caller}</span>
        <span className={`${styles.elapsed} ${styles.last} number`}>{ago(now - ended.at)}</span>
      </span>
      <span className={styles.badges}>
        <OutcomeBadge outcome={ended.outcome} />
      </span>
    </button>
  );
}
