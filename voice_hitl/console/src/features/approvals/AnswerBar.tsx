/** The answers, each in a step of its own where a slip would be costly. */

import { Button } from '@mantine/core';
import { type KeyboardEvent, useRef, useState } from 'react';
import type { Answer } from '../../desk';
import { useFloor } from '../../desk-context';
import { words } from '../../lib/format';
import { useReady } from '../../lib/use-ready';
import type { Change } from '../../state/approvals';
import { CheckIcon, CrossIcon } from '../../ui/icons';
import type { ApprovalView } from '../../wire';
import styles from './AnswerBar.module.css';
import { WordsForm } from './WordsForm';

type Step = 'choose' | 'confirm' | 'reject' | 'respond';

interface AnswerBarProps {
  readonly approval: ApprovalView;
  readonly changed: readonly Change[];
  readonly answering: boolean;
  readonly onAnswer: (answer: Answer) => void;
}

export function AnswerBar({ approval, changed, answering, onAnswer }: AnswerBarProps) {
  const [step, setStep] = useState<Step>('choose');
  const connected = useFloor((floor) => floor.link.status === 'open');
  const ready = useReady(step) && connected;
  const bar = useRef<HTMLElement>(null);
  const back = (): void => {
    setStep('choose');
    bar.current?.focus(); // What had the focus goes with its step.
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && step !== 'choose') {
      back();
    }
  };

  const approve = (): void => {
    const values = Object.fromEntries(changed.map(({ name, to }) => [name, to]));
    onAnswer({
      type: 'approve',
      arguments: changed.length === 0 ? null : { ...approval.arguments, ...values },
    });
    back();
  };

  return (
    <footer ref={bar} className={styles.bar} tabIndex={-1} onKeyDown={onKeyDown}>
      {step === 'choose' && (
        <Choices
          approval={approval}
          changed={changed.length > 0}
          disabled={!ready}
          answering={answering}
          onStep={setStep}
          onApprove={approval.effect === 'irreversible' ? () => setStep('confirm') : approve}
        />
      )}
      {step === 'confirm' && (
        <Confirm
          approval={approval}
          changed={changed}
          ready={ready}
          onBack={back}
          onApprove={approve}
        />
      )}
      {step === 'reject' && (
        <WordsForm
          label={approval.veto ? 'Why not?' : 'Why is this rejected?'}
          description="For the AI and for the record"
          submit={approval.veto ? 'Object' : 'Reject'}
          color="brick"
          disabled={!connected || answering}
          onBack={back}
          onSubmit={(reason) => onAnswer({ type: 'reject', reason })}
        />
      )}
      {step === 'respond' && (
        <WordsForm
          label="What should the AI tell the caller instead?"
          description="The action is not done"
          submit="Send answer"
          color="ink"
          disabled={!connected || answering}
          onBack={back}
          onSubmit={(text) => onAnswer({ type: 'respond', text })}
        />
      )}
    </footer>
  );
}

interface ChoicesProps {
  readonly approval: ApprovalView;
  readonly changed: boolean;
  readonly disabled: boolean;
  readonly answering: boolean;
  readonly onStep: (step: Step) => void;
  readonly onApprove: () => void;
}

function Choices({ approval, changed, disabled, answering, onStep, onApprove }: ChoicesProps) {
  return (
    <div className={styles.choices}>
      <Button
        variant="outline"
        color="brick"
        disabled={disabled || answering}
        leftSection={<CrossIcon size={16} />}
        onClick={() => onStep('reject')}
      >
        {approval.veto ? 'Object' : 'Reject'}
      </Button>
      <Button variant="default" disabled={disabled || answering} onClick={() => onStep('respond')}>
        Answer instead
      </Button>
      <Button
        className={styles.approve}
        color="leaf"
        disabled={disabled}
        loading={answering}
        leftSection={<CheckIcon size={16} />}
        onClick={onApprove}
      >
        {changed ? 'Approve with changes' : approval.veto ? 'Approve now' : 'Approve'}
      </Button>
    </div>
  );
}

interface ConfirmProps {
  readonly approval: ApprovalView;
  readonly changed: readonly Change[];
  readonly ready: boolean;
  readonly onBack: () => void;
  readonly onApprove: () => void;
}

/** What cannot be undone is said once more before it is done. */
function Confirm({ approval, changed, ready, onBack, onApprove }: ConfirmProps) {
  return (
    <div className={styles.confirm} role="group" aria-label="This cannot be undone">
      <p>
        <strong>This cannot be undone:</strong> {approval.summary}
        {changed.length > 0 && ', but with'}
      </p>
      {changed.length > 0 && (
        <dl className={styles.changes}>
          {changed.map(({ name, from, to }) => (
            <div key={name}>
              <dt>{words(name)}</dt>
              <dd className="number">
                <del>{from === '' ? 'nothing' : from}</del> <ins>{to === '' ? 'nothing' : to}</ins>
              </dd>
            </div>
          ))}
        </dl>
      )}
      <div className={styles.choices}>
        <Button variant="default" autoFocus onClick={onBack}>
          Back
        </Button>
        <Button
          className={styles.approve}
          color="leaf"
          disabled={!ready}
          leftSection={<CheckIcon size={16} />}
          onClick={onApprove}
        >
          {changed.length > 0 ? 'Yes, with these changes' : 'Yes, do it'}
        </Button>
      </div>
    </div>
  );
}
