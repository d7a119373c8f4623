/** Confidence and risk over the call, and what moves them. */

import { percent } from '../../lib/format';
import { RISK_HIGH } from '../../state/views';
import { ReasonList } from '../../ui/ReasonList';
import type { CallView } from '../../wire';
import { SignalChart } from './SignalChart';
import styles from './SignalPanel.module.css';

export function SignalPanel({ call }: { readonly call: CallView }) {
  const latest = call.points.at(-1);
  return (
    <div className={styles.panel}>
      <div className={styles.chart}>
        <dl className={styles.legend}>
          <Value name="Confidence" series="confidence" value={latest?.confidence} />
          <Value name="Risk" series="risk" value={latest?.risk} />
          <div className={styles.key}>
            <dt className={styles.threshold}>High risk from {percent(RISK_HIGH)}</dt>
          </div>
        </dl>
        <SignalChart call={call} />
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
