/** The call being read: who, how it stands, how it goes, what is said. */

import { Button, Tabs } from '@mantine/core';
import { useDesk, useFloor, useServerNow } from '../../desk-context';
import { clock, words } from '../../lib/format';
import type { EndedCall } from '../../state/floor';
import { canTake, selectedCall } from '../../state/views';
import { OutcomeBadge, SafeModeBadge, StateBadge } from '../../ui/CallState';
import { PhoneIcon } from '../../ui/icons';
import panel from '../../ui/Panel.module.css';
import type { CallView } from '../../wire';
import styles from './CallPane.module.css';
import { CallBrief, PackGuidelines } from './SidePanel';
import { SignalPanel } from './SignalPanel';
import { Transcript } from './Transcript';

interface CallPaneProps {
  /** Whether the brief is shown here, behind a tab, for want of a column of its own. */
  readonly withSidePanel: boolean;
}

export function CallPane({ withSidePanel }: CallPaneProps) {
  const shown = useFloor((floor) => floor.selected);
  const floor = useFloor((whole) => whole);
  const selected = selectedCall(floor);
  const empty = Object.keys(floor.calls).length === 0;
  if (selected === null) {
    return (
      <section className={`${panel.panel} ${styles.empty}`}>
        <PhoneIcon size={28} />
        <p>
          {empty
            ? 'When somebody calls, the conversation is shown here.'
            : 'Choose a call on the left to follow it.'}
        </p>
      </section>
    );
  }
  const { call, ended } = selected;
  const conversation = (
    <>
      <SignalPanel call={call} />
      <Transcript key={call.call_id} call={call} />
    </>
  );
  return (
    <section
      className={`${panel.panel} ${styles.pane}`}
      aria-label={`Call from ${call.caller}`}
      key={shown}
    >
      <Header call={call} ended={ended} />
      {withSidePanel ? (
        <Tabs defaultValue="conversation" className={styles.tabs} keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="conversation">Conversation</Tabs.Tab>
            <Tabs.Tab value="brief">Brief</Tabs.Tab>
            <Tabs.Tab value="guidelines">Guidelines</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="conversation" className={styles.tabPanel}>
            {conversation}
          </Tabs.Panel>
          <Tabs.Panel value="brief" className={styles.reading} tabIndex={0}>
            <CallBrief />
          </Tabs.Panel>
          <Tabs.Panel value="guidelines" className={styles.reading} tabIndex={0}>
            <PackGuidelines />
          </Tabs.Panel>
        </Tabs>
      ) : (
        conversation
      )}
    </section>
  );
}

interface HeaderProps {
  readonly call: CallView;
  readonly ended: EndedCall | null;
}

function Header({ call, ended }: HeaderProps) {
  const desk = useDesk();
  const floor = useFloor((whole) => whole);
  const now = useServerNow();
  const mine = floor.me !== null && call.operator_id === floor.me.operator_id;
  const takable = ended === null && canTake(floor, call);
  return (
    <header className={styles.header}>
      <div>
        <div className={styles.caller}>
          <h2 className={`${styles.number} number`}>{call.caller}</h2>
          {ended === null ? (
            <StateBadge call={call} mine={mine} />
          ) : (
            <OutcomeBadge outcome={ended.outcome} />
          )}
          {call.safe_mode && <SafeModeBadge />}
        </div>
        <p className={styles.facts}>
          <span>{call.intent === null ? 'Intent not known yet' : words(call.intent)}</span>
          <span className="number">{clock((ended?.at ?? now) - call.started_at)}</span>
          <span>{words(call.pack)}</span>
        </p>
      </div>
      {takable && (
        <Button
          variant="default"
          leftSection={<PhoneIcon size={16} />}
          disabled={floor.link.status !== 'open'}
          loading={floor.taking === call.call_id}
          onClick={() => desk.take(call.call_id)}
        >
          Take call
        </Button>
      )}
    </header>
  );
}
