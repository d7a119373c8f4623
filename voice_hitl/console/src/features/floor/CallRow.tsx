import { useServerNow } from '../../desk-context';
import { clock, percent, words } from '../../lib/format';
import { latestRisk, riskBand } from '../../state/views';
import { SafeModeBadge, StateBadge } from '../../ui/CallState';
import { Sparkline } from '../../ui/Sparkline';
import type { CallView } from '../../wire';
import styles from './CallRow.module.css';

interface CallRowProps {
  readonly call: CallView;
  readonly selected: boolean;
  readonly mine: boolean;
  readonly onSelect: () => void;
}

export function CallRow({ call, selected, mine, onSelect }: CallRowProps) {
  const now = useServerNow();
  const risk = latestRisk(call);
  return (
    <button
      type="button"
      className={styles.row}
      aria-current={selected ? 'true' : undefined}
      onClick={onSelect}
    >
      <span className={styles.line}>
        <span className={`${styles.caller} number`}>{call.caller}</span>
        <span className={`${styles.elapsed} number`}>{clock(now - call.started_at)}</span>
        <span
          className={`${styles.risk} number`}
          data-band={riskBand(call.points.at(-1))}
          title="Risk"
        >
          <span className="visually-hidden">Risk </span>
          {call.points.length === 0 ? '–' : percent(risk)}
        </span>
      </span>
      <span className={styles.line}>
        <span className={styles.intent}>
          {call.intent === null ? 'Intent not known yet' : words(call.intent)}
        </span>
        <Sparkline points={call.points} />
      </span>
      <span className={styles.badges}>
        <StateBadge call={call} mine={mine} />
        {call.safe_mode && <SafeModeBadge />}
      </span>
    </button>
  );
}
