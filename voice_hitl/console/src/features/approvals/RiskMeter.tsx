/** How risky the action is, 0 to 100. */

import styles from './RiskMeter.module.css';

export function RiskMeter({ risk }: { readonly risk: number }) {
  return (
    <div className={styles.meter}>
      <h3 className="label">Risk</h3>
      <svg className={styles.bar} aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 1">
        <rect width={risk} height="1" />
      </svg>
      <p className={`${styles.value} number`}>
        <strong>{risk}</strong> of 100
      </p>
    </div>
  );
}
