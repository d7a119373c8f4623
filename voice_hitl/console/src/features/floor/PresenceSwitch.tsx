/** Available, away or on a break; during a call it says so instead. */

import { Button, SegmentedControl } from '@mantine/core';
import { useDesk, useFloor } from '../../desk-context';
import type { OperatorView } from '../../wire';
import styles from './PresenceSwitch.module.css';

const BUSY: Readonly<Partial<Record<OperatorView['presence'], string>>> = {
  in_call: 'In a call',
  wrap_up: 'Wrapping up',
};

export function PresenceSwitch() {
  const desk = useDesk();
  const presence = useFloor((floor) => floor.me?.presence ?? 'away');
  const connected = useFloor((floor) => floor.link.status === 'open');
  const busy = BUSY[presence];
  if (busy !== undefined) {
    return (
      <span className={styles.busy} role="status">
        <span className={styles.dot} data-presence={presence} />
        {busy}
        {presence === 'wrap_up' && (
          <Button size="compact-xs" variant="default" onClick={() => desk.endWrapUp()}>
            Ready
          </Button>
        )}
      </span>
    );
  }
  const value = presence === 'away' || presence === 'break' ? presence : 'available';
  return (
    <SegmentedControl
      aria-label="Your presence"
      size="sm"
      withItemsBorders={false}
      transitionDuration={120}
      disabled={!connected}
      value={value}
      onChange={(next) => desk.setPresence(next)}
      data={[
        { value: 'available', label: <Choice presence="available" text="Available" /> },
        { value: 'away', label: <Choice presence="away" text="Away" /> },
        { value: 'break', label: <Choice presence="break" text="Break" /> },
      ]}
    />
  );
}

interface ChoiceProps {
  readonly presence: OperatorView['presence'];
  readonly text: string;
}

function Choice({ presence, text }: ChoiceProps) {
  return (
    <span className={styles.choice}>
      <span className={styles.dot} data-presence={presence} />
      {text}
    </span>
  );
}
