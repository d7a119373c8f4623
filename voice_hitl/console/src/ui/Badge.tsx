/** A word on a coloured ground. */

import type { ReactNode } from 'react';
import styles from './Badge.module.css';

export type BadgeTone = 'plain' | 'accent' | 'good' | 'warn' | 'bad';

interface BadgeProps {
  readonly tone: BadgeTone;
  readonly title?: string;
  readonly children: ReactNode;
}

export function Badge({ tone, title, children }: BadgeProps) {
  return (
    <span className={styles.badge} data-tone={tone} title={title}>
      {children}
    </span>
  );
}
