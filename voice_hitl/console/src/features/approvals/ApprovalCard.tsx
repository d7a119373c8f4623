/** One question of the AI: what it would do, why it may be wrong, and the answers. */

import { type ReactNode, useState } from 'react';
import { useDesk, useFloor } from '../../desk-context';
import { useNow } from '../../lib/use-now';
import { changes } from '../../state/approvals';
import { Badge } from '../../ui/Badge';
import { AlertIcon } from '../../ui/icons';
import panel from '../../ui/Panel.module.css';
import type { ApprovalView } from '../../wire';
import { CountdownRing } from '../offer/CountdownRing';
import { AnswerBar } from './AnswerBar';
import styles from './ApprovalCard.module.css';
import { ArgumentFields } from './ArgumentFields';
import { RiskMeter } from './RiskMeter';

interface ApprovalCardProps {
  readonly id: string;
  readonly approval: ApprovalView;
}

export function ApprovalCard({ id, approval }: ApprovalCardProps) {
  const desk = useDesk();
  const [edited, setEdited] = useState(approval.arguments);
  const answering = useFloor((floor) => floor.answering.includes(approval.approval_id));
  return (
    <article
      id={id}
      tabIndex={-1}
      className={`${panel.panel} ${styles.card}`}
      aria-labelledby={`${id}-summary`}
    >
      <header className={styles.head} data-veto={approval.veto}>
        <CountdownRing timer={approval} now={() => desk.now()} />
        <div className={styles.title}>
          <Badges approval={approval} />
          <h2 id={`${id}-summary`} className={styles.summary}>
            {approval.summary}
          </h2>
          <Caller approval={approval} />
        </div>
        <p className="visually-hidden" role="alert">
          {approval.veto
            ? `The AI will do this unless you object: ${approval.summary}.`
            : `The AI asks for your approval: ${approval.summary}.`}
        </p>
      </header>
      <Silence approval={approval} />
      <div className={styles.body} tabIndex={0}>
        <ArgumentFields
          approval={approval}
          edited={edited}
          disabled={answering}
          onEdit={(name, value) => setEdited({ ...edited, [name]: value })}
        />
        <RiskMeter risk={approval.risk} />
        <Lines title="Why you are asked" lines={approval.reasons} />
        <Part title="Why the AI wants this">
          <p>{approval.reasoning === '' ? 'It does not say.' : approval.reasoning}</p>
        </Part>
        <Lines title="Why it may be wrong" lines={approval.doubts} />
        <Lines title="What else it considered" lines={approval.alternatives} />
      </div>
      <AnswerBar
        approval={approval}
        changed={changes(approval, edited)}
        answering={answering}
        onAnswer={(answer) => desk.answer(approval, answer)}
      />
    </article>
  );
}

const EFFECTS = {
  read: { words: 'Changes nothing', tone: 'plain' },
  reversible: { words: 'Can be undone', tone: 'accent' },
  irreversible: { words: 'Cannot be undone', tone: 'bad' },
} as const;

function Badges({ approval }: { readonly approval: ApprovalView }) {
  const { words, tone } = EFFECTS[approval.effect];
  return (
    <p className={styles.badges}>
      <Badge tone={tone}>
        {approval.effect === 'irreversible' && <AlertIcon size={13} />}
        {words}
      </Badge>
      {approval.second && (
        <Badge tone="warn" title="A colleague was asked first and has not answered by half time.">
          Second asked
        </Badge>
      )}
    </p>
  );
}

/** Whose call it is, and the way to what was said. */
function Caller({ approval }: { readonly approval: ApprovalView }) {
  const desk = useDesk();
  const shown = useFloor((floor) => floor.view === 'calls' && floor.selected === approval.call_id);
  const live = useFloor((floor) => approval.call_id in floor.calls);
  return (
    <p className={styles.caller}>
      <span className="number">{approval.caller}</span>
      {live && !shown && (
        <button type="button" className={styles.show} onClick={() => desk.select(approval.call_id)}>
          Show the conversation
        </button>
      )}
    </p>
  );
}

/** What becomes of it if nobody answers. */
function Silence({ approval }: { readonly approval: ApprovalView }) {
  const desk = useDesk();
  useNow(); // A tick a second, on the server's clock.
  const left = Math.max(0, Math.ceil(approval.expires_at - desk.now()));
  return approval.veto ? (
    <p className={styles.silence} data-veto="true">
      Will be done in <strong className="number">{left} s</strong> unless you object
    </p>
  ) : (
    <p className={styles.silence}>Not done unless you approve</p>
  );
}

interface PartProps {
  readonly title: string;
  readonly children: ReactNode;
}

function Part({ title, children }: PartProps) {
  return (
    <section>
      <h3 className="label">{title}</h3>
      {children}
    </section>
  );
}

interface LinesProps {
  readonly title: string;
  readonly lines: readonly string[];
}

function Lines({ title, lines }: LinesProps) {
  if (lines.length === 0) {
    return null;
  }
  return (
    <Part title={title}>
      <ul className={styles.lines}>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </Part>
  );
}
