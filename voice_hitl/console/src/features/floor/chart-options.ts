/** How the confidence and risk chart is drawn. */

import type uPlot from 'uplot';
import { clock, percent } from '../../lib/format';
import { RISK_HIGH } from '../../state/views';
import type { CallView } from '../../wire';

/** Columns of the chart: seconds into the call, confidence, risk. */
export function chartData(call: CallView): uPlot.AlignedData {
  return [
    call.points.map(({ at }) => at - call.started_at),
    call.points.map(({ confidence }) => confidence),
    call.points.map(({ risk }) => risk),
  ];
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
    ],
    hooks: { drawAxes: [(plot) => drawThreshold(plot, colors.text)] },
  };
}

function drawThreshold(plot: uPlot, color: string): void {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(RISK_HIGH, 'y', true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.lineWidth = window.devicePixelRatio;
  ctx.setLineDash([2, 3].map((part) => part * window.devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}
