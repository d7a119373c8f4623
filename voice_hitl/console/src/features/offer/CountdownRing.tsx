/** How long there is still to answer: a closing ring with the seconds in it. */

import { useEffect, useRef, useState } from 'react';
import { clock } from '../../lib/format';
import styles from './CountdownRing.module.css';

interface CountdownRingProps {
  /** When it is over (server time), and how long it lasts in all, seconds. */
  readonly timer: { readonly expires_at: number; readonly seconds: number };
  /** Server time, seconds since the epoch. */
  readonly now: () => number;
  readonly size?: 'small';
}

const RADIUS = 27;
const LENGTH = 2 * Math.PI * RADIUS;

export function CountdownRing({ timer, now, size }: CountdownRingProps) {
  const current = useRef(now);
  const left = (): number => Math.max(0, timer.expires_at - current.current());
  const [seconds, setSeconds] = useState(() => Math.max(0, timer.expires_at - now()));
  const circle = useRef<SVGCircleElement>(null);

  useEffect(() => {
    let frame = 0;
    const draw = (): void => {
      const rest = left();
      setSeconds(Math.ceil(rest));
      circle.current?.setAttribute(
        'stroke-dashoffset',
        String(LENGTH * (1 - Math.min(1, rest / timer.seconds))),
      );
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  });

  return (
    <div
      className={styles.ring}
      data-size={size}
      data-late={seconds <= timer.seconds / 4}
      role="timer"
      aria-label={`${Math.ceil(seconds)} seconds left`}
    >
      <svg viewBox="0 0 64 64" aria-hidden="true">
        <circle className={styles.track} cx={32} cy={32} r={RADIUS} />
        <circle
          ref={circle}
          className={styles.left}
          cx={32}
          cy={32}
          r={RADIUS}
          strokeDasharray={LENGTH}
          transform="rotate(-90 32 32)"
        />
      </svg>
      <span className={`${styles.seconds} number`} aria-hidden="true">
        {seconds < 100 ? Math.ceil(seconds) : clock(seconds)}
      </span>
    </div>
  );
}
