/** The product's mark: two voices, one louder for now. */

import styles from './Wordmark.module.css';

export function Wordmark() {
  return (
    <span className={styles.mark}>
      <svg aria-hidden="true" width="24" height="24" viewBox="0 0 32 32">
        <rect width="32" height="32" rx="8" className={styles.ground} />
        <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
          <path d="M8 13v6M13 9v14" opacity=".65" />
          <path d="M18 12v8M23 15v2" />
        </g>
      </svg>
      Voice handoff
    </span>
  );
}
