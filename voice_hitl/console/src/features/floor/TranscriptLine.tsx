import { clock, percent } from '../../lib/format';
import { splitHeard } from '../../lib/heard';
import type { TranscriptEntry } from '../../wire';
import styles from './TranscriptLine.module.css';

interface TranscriptLineProps {
  readonly entry: TranscriptEntry;
  /** What the operator of this call is called. */
  readonly operator: string;
  readonly startedAt: number;
  /** The line before is by the same speaker. */
  readonly again: boolean;
}

/** Recognition below this is shown with its doubt. */
const DOUBTFUL = 0.6;

export function TranscriptLine({ entry, operator, startedAt, again }: TranscriptLineProps) {
  const { role, at, final } = entry;
  const confidence = entry.asr_confidence ?? 1;
  const speaker = { caller: 'Caller', agent: 'AI', operator, system: '' }[role];
  if (role === 'system') {
    return (
      <li className={styles.system}>
        <span>{entry.text}</span>
      </li>
    );
  }
  return (
    <li className={styles.line} data-role={role} data-final={final} data-again={again}>
      <span className={styles.speaker}>{again ? '' : speaker}</span>
      <p className={styles.text}>
        {again && <span className="visually-hidden">{speaker}: </span>}
        <Words entry={entry} />
        {role === 'caller' && final && confidence < DOUBTFUL && (
          <span className={`${styles.doubt} number`}>
            {' '}
            heard with {percent(confidence)} % certainty
          </span>
        )}
      </p>
      <time className={`${styles.time} number`}>{clock(at - startedAt)}</time>
    </li>
  );
}

function Words({ entry }: { readonly entry: TranscriptEntry }) {
  if (entry.role !== 'agent') {
    return entry.text;
  }
  const { heard, unheard } = splitHeard(entry.text, entry.heard);
  return (
    <>
      {heard}
      {unheard !== '' && (
        <s className={styles.unheard} title="The caller did not hear this.">
          <span className="visually-hidden"> not heard by the caller: </span>
          {unheard}
        </s>
      )}
    </>
  );
}
