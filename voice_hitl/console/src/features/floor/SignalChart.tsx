/** uPlot as a component: redrawn when points come, the room changes or the theme is switched. */

import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { percent } from '../../lib/format';
import type { Point } from '../../wire';
import { CHART_HEIGHT, chartColors, chartData, chartOptions } from './chart-options';
import styles from './SignalChart.module.css';

interface SignalChartProps {
  readonly points: readonly Point[];
  readonly startedAt: number;
}

export function SignalChart({ points, startedAt }: SignalChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });

  useEffect(() => {
    const room = frame.current;
    if (room === null) {
      return undefined;
    }
    const made = new uPlot(
      chartOptions(room.clientWidth, chartColors()),
      [[], [], [], [], []],
      room,
    );
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: room.clientWidth, height: CHART_HEIGHT }),
    );
    observer.observe(room);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [scheme]);

  useEffect(() => {
    plot.current?.setData(chartData(points, startedAt));
  }, [points, startedAt, scheme]);

  return (
    <div
      ref={frame}
      className={styles.frame}
      role="img"
      aria-label={spoken(points)}
      data-turns={points.length}
    />
  );
}

function spoken(points: readonly Point[]): string {
  const latest = points.at(-1);
  return latest === undefined
    ? 'Confidence and risk: no turn yet'
    : `After turn ${latest.turn}: confidence ${percent(latest.confidence)} per cent, ` +
        `risk ${percent(latest.risk)} per cent`;
}
