/** Confidence and risk over the call, and what moves them. */

import { useFloor } from '../../desk-context';
import { percent } from '../../lib/format';
import { curveOf, riskRule } from '../../state/views';
import { ReasonList } from '../../ui/ReasonList';
import type { CallView } from '../../wire';
import { SignalChart } from './SignalChart';
import styles from './SignalPanel.module.css';

export function SignalPanel({ call }: { readonly call: CallView }) {
  const points = useFloor((floor) => curveOf(floor, call));
  const latest = points.at(-1);
  const rule = riskRule(call);
  return (
    <div className={styles.panel}>
      <div className={styles.chart}>
        <dl className={styles.legend}>
          <Value name="Confidence" series="confidence" value={latest?.confidence} />
          <Value name="Risk" series="risk" value={latest?.risk} />
        </dl>
        <p className={styles.rule}>
          {rule.high !== null && <span data-mark="high">{rule.high}</span>}
          {rule.low !== null && <span data-mark="low">{rule.low}</span>}
          {rule.note !== null && <span>{rule.note}</span>}
        </p>
        <SignalChart points={points} startedAt={call.started_at} />
      </div>
      <div className={styles.reasons}>
        <h3 className="label">What moves the risk</h3>
        {call.reasons.length === 0 ? (
          <p className={styles.none}>Nothing so far.</p>
        ) : (
          <ReasonList reasons={call.reasons} />
        )}
      </div>
    </div>
  );
}

interface ValueProps {
  readonly name: string;
  readonly series: 'confidence' | 'risk';
  readonly value: number | undefined;
}

function Value({ name, series, value }: ValueProps) {
  return (
    <div className={styles.value} data-series={series}>
      <dt>{name}</dt>
      <dd className="number">{value === undefined ? '–' : `${percent(value)} %`}</dd>
    </div>
  );
}
