/** A level meter: moved fifty times a second past React, which need not know. */

import { type ReactNode, useEffect, useRef } from 'react';
import type { Levels } from '../../audio/talk';
import type { Readable } from '../../lib/observable';
import styles from './LevelMeter.module.css';

interface LevelMeterProps {
  readonly levels: Readable<Levels>;
  readonly side: keyof Levels;
  readonly label: string;
  readonly icon: ReactNode;
  readonly off: boolean;
}

export function LevelMeter({ levels, side, label, icon, off }: LevelMeterProps) {
  const bar = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const move = (): void => {
      const level = off ? 0 : levels.get()[side];
      if (bar.current !== null) {
        bar.current.style.transform = `scaleX(${level})`;
      }
    };
    move();
    return levels.subscribe(move);
  }, [levels, side, off]);
  return (
    <span className={styles.meter} data-off={off} data-side={side}>
      {icon}
      <span className="visually-hidden">{label}</span>
      <span className={styles.track} aria-hidden="true">
        <span ref={bar} className={styles.bar} />
      </span>
    </span>
  );
}
