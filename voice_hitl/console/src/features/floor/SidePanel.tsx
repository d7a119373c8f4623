/** The brief of the selected call, and the pack's guidelines. */

import { Tabs } from '@mantine/core';
import { useFloor } from '../../desk-context';
import { selectedCall } from '../../state/views';
import panel from '../../ui/Panel.module.css';
import { Brief } from './Brief';
import { Guidelines } from './Guidelines';
import styles from './SidePanel.module.css';

export function SidePanel() {
  return (
    <Tabs defaultValue="brief" className={`${panel.panel} ${styles.panel}`}>
      <Tabs.List className={styles.tabs}>
        <Tabs.Tab value="brief">Brief</Tabs.Tab>
        <Tabs.Tab value="guidelines">Guidelines</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="brief" className={styles.content} tabIndex={0}>
        <CallBrief />
      </Tabs.Panel>
      <Tabs.Panel value="guidelines" className={styles.content} tabIndex={0}>
        <PackGuidelines />
      </Tabs.Panel>
    </Tabs>
  );
}

export function CallBrief() {
  const floor = useFloor((whole) => whole);
  const call = selectedCall(floor)?.call ?? null;
  const brief = call === null ? undefined : floor.briefs[call.call_id];
  if (brief !== undefined) {
    return <Brief brief={brief} />;
  }
  return (
    <p className={styles.none}>
      {call === null
        ? 'The brief of the chosen call is shown here.'
        : 'No brief yet. It comes when this call needs you, or when you take it.'}
    </p>
  );
}

export function PackGuidelines() {
  return <Guidelines source={useFloor((floor) => floor.guidelines)} />;
}
