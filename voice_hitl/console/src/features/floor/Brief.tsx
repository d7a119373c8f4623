/** What an operator must know of a call, most urgent first. */

import type { ReactNode } from 'react';
import { words } from '../../lib/format';
import { Badge, type BadgeTone } from '../../ui/Badge';
import { CheckIcon, CrossIcon } from '../../ui/icons';
import { ReasonList } from '../../ui/ReasonList';
import type { Attempt, BriefView, TranscriptEntry } from '../../wire';
import styles from './Brief.module.css';

const URGENCY: Readonly<
  Record<BriefView['urgency'], { readonly words: string; readonly tone: BadgeTone }>
> = {
  low: { words: 'Low urgency', tone: 'plain' },
  medium: { words: 'Medium urgency', tone: 'accent' },
  high: { words: 'High urgency', tone: 'warn' },
  critical: { words: 'Critical', tone: 'bad' },
};

export function UrgencyBadge({ urgency }: { readonly urgency: BriefView['urgency'] }) {
  const { words: text, tone } = URGENCY[urgency];
  return <Badge tone={tone}>{text}</Badge>;
}

export function Brief({ brief }: { readonly brief: BriefView }) {
  return (
    <div className={styles.brief}>
      <div>
        <UrgencyBadge urgency={brief.urgency} />
        <p className={styles.why}>{brief.why}</p>
      </div>
      <NextStep brief={brief} />
      <Section title="Why now">
        <ReasonList reasons={brief.reasons} />
      </Section>
      <Section title="Who and what">
        <Facts brief={brief} />
      </Section>
      <Section title="Tried so far">
        <Tried tried={brief.tried} />
      </Section>
      {brief.pending !== null && (
        <Section title="Pending">
          <Pending pending={brief.pending} />
        </Section>
      )}
      <Section title="Last exchanges">
        <Exchanges exchanges={brief.exchanges} />
      </Section>
    </div>
  );
}

export function NextStep({ brief }: { readonly brief: BriefView }) {
  return (
    <div className={styles.next}>
      <h3 className="label">Suggested next step</h3>
      <p>{brief.next_step}</p>
    </div>
  );
}

interface SectionProps {
  readonly title: string;
  readonly children: ReactNode;
}

export function Section({ title, children }: SectionProps) {
  return (
    <section>
      <h3 className={`label ${styles.title}`}>{title}</h3>
      {children}
    </section>
  );
}

export function Facts({ brief }: { readonly brief: BriefView }) {
  const facts: [string, string][] = [
    ['Caller', brief.who],
    ['Intent', brief.intent === null ? 'Not known' : words(brief.intent)],
    ...Object.entries(brief.slots).map(([slot, value]): [string, string] => [words(slot), value]),
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="number">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Tried({ tried }: { readonly tried: readonly Attempt[] }) {
  if (tried.length === 0) {
    return <p className={styles.none}>Nothing yet.</p>;
  }
  return (
    <ul className={styles.tried}>
      {tried.map((attempt, n) => (
        <li key={n} data-ok={attempt.ok}>
          {attempt.ok ? <CheckIcon size={16} /> : <CrossIcon size={16} />}
          <span>
            <span className={styles.what}>{attempt.what}</span>
            <span className={styles.result}>
              <span className="visually-hidden">{attempt.ok ? 'worked: ' : 'failed: '}</span>
              {attempt.result}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Pending({ pending }: { readonly pending: string }) {
  return <p className={styles.pending}>{pending}</p>;
}

const SPEAKERS: Readonly<Record<TranscriptEntry['role'], string>> = {
  caller: 'Caller',
  agent: 'AI',
  operator: 'Operator',
  system: 'Note',
};

export function Exchanges({ exchanges }: { readonly exchanges: readonly TranscriptEntry[] }) {
  if (exchanges.length === 0) {
    return <p className={styles.none}>Nothing has been said yet.</p>;
  }
  return (
    <ol className={styles.exchanges}>
      {exchanges.map((entry) => (
        <li key={entry.seq} data-role={entry.role}>
          <span className={styles.speaker}>{SPEAKERS[entry.role]}</span>
          <span>{entry.heard ?? entry.text}</span>
        </li>
      ))}
    </ol>
  );
}
