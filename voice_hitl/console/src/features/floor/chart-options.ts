/** How the confidence and risk chart is drawn. */

import type uPlot from 'uplot';
import { clock, percent } from '../../lib/format';
import type { Point } from '../../wire';

/** Columns of the chart: seconds into the call, confidence, risk, the marks that risk is held to. */
export function chartData(points: readonly Point[], startedAt: number): uPlot.AlignedData {
  return [
    points.map(({ at }) => at - startedAt),
    points.map(({ confidence }) => confidence),
    points.map(({ risk }) => risk),
    points.map(({ low }) => low),
    points.map(({ high }) => high),
  ];
}

const LOW = 3;
const HIGH = 4;

/**
 * The corners of a mark's line. A turn is held to its own mark, so this one holds from the turn before
 * until its turn; the last one goes on until the end. What no risk can reach is not drawn.
 */
export function markCorners(
  seconds: readonly number[],
  marks: readonly (number | null | undefined)[],
  end: number,
): [number, number][][] {
  const lines: [number, number][][] = [];
  let line: [number, number][] | null = null;
  seconds.forEach((at, n) => {
    const mark = marks[n] ?? null;
    if (mark === null || mark > 1) {
      line = null;
      return;
    }
    const height = Math.max(0, mark);
    if (line === null) {
      line = [];
      lines.push(line);
    }
    line.push([seconds[n - 1] ?? 0, height], [n === seconds.length - 1 ? end : at, height]);
  });
  return lines;
}

/** The right end of the time axis: at least a minute, then room for a fifth more. */
export function chartEnd(seconds: number): number {
  return Math.max(60, seconds * 1.2);
}

interface Colors {
  readonly confidence: string;
  readonly risk: string;
  readonly text: string;
  readonly grid: string;
}

/** The theme's colours as they are now. */
export function chartColors(): Colors {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return {
    confidence: color('--confidence'),
    risk: color('--risk'),
    text: color('--text-dim'),
    grid: color('--line'),
  };
}

export const CHART_HEIGHT = 124;

export function chartOptions(width: number, colors: Colors): uPlot.Options {
  const axis = {
    stroke: colors.text,
    font: "11px 'Inter Variable', system-ui, sans-serif",
    grid: { stroke: colors.grid, width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: CHART_HEIGHT,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 7 }, drag: { x: false, y: false }, y: false },
    scales: {
      x: { time: false, range: (_plot, _min, max) => [0, chartEnd(max || 0)] },
      y: { range: [0, 1] },
    },
    axes: [
      { ...axis, size: 24, gap: 4, space: 90, values: (_plot, splits) => splits.map(clock) },
      {
        ...axis,
        size: 34,
        gap: 6,
        splits: () => [0, 0.5, 1],
        values: (_plot, splits) => splits.map(percent),
      },
    ],
    series: [
      {},
      { stroke: colors.confidence, width: 1.75, dash: [5, 4], points: { size: 5 } },
      { stroke: colors.risk, width: 2, points: { size: 5 } },
      { ...UNSEEN },
      { ...UNSEEN },
    ],
    hooks: {
      drawAxes: [
        (plot) => {
          drawMark(plot, LOW, colors.text, [1, 4]);
          drawMark(plot, HIGH, colors.text, [3, 2]);
        },
      ],
    },
  };
}

/** Marks are drawn below the curves, by a hook. */
const UNSEEN: uPlot.Series = { paths: () => null, points: { show: false } };

function drawMark(plot: uPlot, column: number, color: string, dash: readonly number[]): void {
  const { ctx, data, scales } = plot;
  const lines = markCorners([...data[0]], [...(data[column] ?? [])], scales.x?.max ?? 0);
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = window.devicePixelRatio;
  ctx.setLineDash(dash.map((part) => part * window.devicePixelRatio));
  for (const corners of lines) {
    ctx.beginPath();
    for (const [seconds, mark] of corners) {
      ctx.lineTo(
        plot.valToPos(seconds, 'x', true),
        Math.round(plot.valToPos(mark, 'y', true)) + 0.5,
      );
    }
    ctx.stroke();
  }
  ctx.restore();
}
