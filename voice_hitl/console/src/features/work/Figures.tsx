/** How the whole system does, people included, and what is wrong with it. */

import { useFloor, useServerNow } from '../../desk-context';
import { ago, figure } from '../../lib/format';
import { useLoaded } from '../../lib/use-loaded';
import { figures } from '../../net/http';
import { Badge, type BadgeTone } from '../../ui/Badge';
import { AlertIcon } from '../../ui/icons';
import type { BudgetView, FigureView, FiguresView, ShiftView, WarningView } from '../../wire';
import styles from './Figures.module.css';
import part from './Part.module.css';

const LOADED_EVERY = 15;

export function Figures() {
  const { value, problem } = useLoaded(figures, LOADED_EVERY);
  const told = useFloor((floor) => (floor.me?.role === 'supervisor' ? floor.warnings : null));
  const warnings = told ?? value?.warnings ?? []; // Supervisors hear of them at once.
  return (
    <div className={part.column}>
      {problem !== null && (
        <p className={part.problem} role="alert">
          {problem}
        </p>
      )}
      {warnings.map((warning) => (
        <Warning key={warning.code} warning={warning} />
      ))}
      {value !== null && <All value={value} />}
    </div>
  );
}

function Warning({ warning }: { readonly warning: WarningView }) {
  const now = useServerNow();
  return (
    <article className={styles.warning} aria-label="Warning">
      <AlertIcon />
      <div>
        <h2 className={styles.words}>{warning.words}</h2>
        <p>{warning.todo}</p>
        <p className={styles.since}>{ago(now - warning.since)}</p>
      </div>
    </article>
  );
}

function All({ value }: { readonly value: FiguresView }) {
  const { overrides } = value;
  return (
    <>
      <p className={part.intro}>
        Over the last {Math.round(value.window_hours)} hours, each with its 95 % interval.
      </p>
      {value.budget !== null && <Budget budget={value.budget} />}
      <Table title="Figures" rows={value.figures} />
      <p className={`${part.facts} number`}>
        <span>
          Overrides, moving average {figure(overrides.value, 'share')}; in control between{' '}
          {figure(overrides.low, 'share')} and {figure(overrides.high, 'share')}
        </span>
      </p>
      <Shift shift={value.shift} />
    </>
  );
}

interface TableProps {
  readonly title: string;
  readonly rows: readonly FigureView[];
}

function Table({ title, rows }: TableProps) {
  return (
    <table className={styles.table}>
      <caption className="label">{title}</caption>
      <thead>
        <tr>
          <th scope="col">Figure</th>
          <th scope="col">Value</th>
          <th scope="col">95 %</th>
          <th scope="col">Of</th>
        </tr>
      </thead>
      <tbody className="number">
        {rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">{row.label}</th>
            {row.value === null || row.low === null || row.high === null ? (
              <td colSpan={2} className={styles.note}>
                {row.note}
              </td>
            ) : (
              <>
                <td className={styles.value}>{figure(row.value, row.unit)}</td>
                <td className={styles.note}>
                  {figure(row.low, row.unit)} to {figure(row.high, row.unit)}
                </td>
              </>
            )}
            <td className={styles.note}>{row.n}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const BUDGET: Readonly<
  Record<BudgetView['state'], { readonly words: string; readonly tone: BadgeTone }>
> = {
  off: { words: 'Off', tone: 'plain' },
  starting: { words: 'Starting', tone: 'plain' },
  within: { words: 'Within its band', tone: 'good' },
  above: { words: 'Above its band', tone: 'warn' },
  below: { words: 'Below its band', tone: 'warn' },
  frozen: { words: 'Frozen', tone: 'warn' },
  conflict: { words: 'Cannot be kept', tone: 'bad' },
};

function Budget({ budget }: { readonly budget: BudgetView }) {
  const { words, tone } = BUDGET[budget.state];
  return (
    <section className={part.card} aria-labelledby="budget">
      <div className={part.head}>
        <h2 id="budget" className={part.title}>
          Calls that go to people
        </h2>
        <Badge tone={tone}>{words}</Badge>
      </div>
      <p>{budget.words}</p>
      <p className={`${part.facts} number`}>
        <span>
          Band {figure(budget.low, 'share')} to {figure(budget.high, 'share')}
        </span>
        <span>Share {inWords(budget.share)}</span>
        <span>By hard triggers alone {inWords(budget.hard_share)}</span>
      </p>
    </section>
  );
}

const inWords = (row: FigureView): string =>
  row.value === null ? row.note : figure(row.value, row.unit);

function Shift({ shift }: { readonly shift: ShiftView }) {
  const rows = shift.bins.map((bin) => ({
    ...bin.accuracy,
    name: String(bin.start),
    label: bin.end === null ? `From minute ${bin.start}` : `Minutes ${bin.start} to ${bin.end}`,
  }));
  return (
    <>
      <Table title="Accuracy over a shift, of everyone together" rows={rows} />
      <p className={`${part.facts} number`}>
        {shift.drop === null || shift.p === null
          ? shift.note
          : `Drop from the first to the last: ${figure(shift.drop, 'share')} (p = ${shift.p.toFixed(3)})`}
      </p>
    </>
  );
}
