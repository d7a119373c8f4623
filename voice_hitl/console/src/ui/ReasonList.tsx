/** Reasons in words, each with a bar as long as its weight beside the heaviest. */

import type { ReasonView } from '../wire';
import styles from './ReasonList.module.css';

export function ReasonList({ reasons }: { readonly reasons: readonly ReasonView[] }) {
  const heaviest = Math.max(...reasons.map(({ weight }) => Math.abs(weight)), 1e-9);
  return (
    <ol className={styles.list}>
      {reasons.map((reason) => (
        <li key={reason.code}>
          <span className={styles.words}>{reason.words}</span>
          <svg
            className={styles.bar}
            aria-hidden="true"
            preserveAspectRatio="none"
            viewBox="0 0 1 1"
          >
            <rect width={Math.abs(reason.weight) / heaviest} height="1" />
          </svg>
        </li>
      ))}
    </ol>
  );
}
