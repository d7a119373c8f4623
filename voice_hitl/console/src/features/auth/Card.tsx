/** The frame of the screens before the floor. */

import type { ReactNode } from 'react';
import { Wordmark } from '../../ui/Wordmark';
import styles from './Card.module.css';

interface CardProps {
  readonly title: string;
  readonly intro: string;
  readonly children: ReactNode;
}

export function Card({ title, intro, children }: CardProps) {
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <Wordmark />
        <div>
          <h1 className={styles.title}>{title}</h1>
          <p className={styles.intro}>{intro}</p>
        </div>
        {children}
      </div>
    </main>
  );
}
