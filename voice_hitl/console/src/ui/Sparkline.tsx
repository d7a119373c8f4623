/** Confidence and risk of a call at a glance. */

import type { Point } from '../wire';
import styles from './Sparkline.module.css';

const WIDTH = 72;
const HEIGHT = 24;
const PAD = 3;

/** Points of a polyline for values in [0, 1]; a single value is a dot in the middle. */
export function polyline(values: readonly number[]): string {
  const step = (WIDTH - 2 * PAD) / Math.max(1, values.length - 1);
  const left = values.length === 1 ? WIDTH / 2 : PAD;
  return values
    .map((value, n) => {
      const y = PAD + (1 - value) * (HEIGHT - 2 * PAD);
      return `${(left + n * step).toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
}

const SHOWN = 24;

export function Sparkline({ points }: { readonly points: readonly Point[] }) {
  const shown = points.slice(-SHOWN);
  return (
    <svg className={styles.line} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <Line className={styles.confidence} values={shown.map((point) => point.confidence)} />
      <Line className={styles.risk} values={shown.map((point) => point.risk)} />
    </svg>
  );
}

interface LineProps {
  readonly className: string | undefined;
  readonly values: readonly number[];
}

function Line({ className, values }: LineProps) {
  const points = polyline(values);
  const [x, y] = points.split(' ').at(-1)?.split(',') ?? [];
  return (
    <g className={className}>
      <polyline points={points} />
      {values.length > 0 && <circle cx={x} cy={y} r={2} />}
    </g>
  );
}
