/** The operator's screen: calls on the left, the call being read in the middle, its brief on the right. */

import { useMediaQuery } from '@mantine/hooks';
import type { Desk } from '../../desk';
import { DeskContext } from '../../desk-context';
import { useObservable } from '../../lib/observable';
import { Approvals } from '../approvals/Approvals';
import { AlertBar } from '../duties/AlertBar';
import { CallbackCard } from '../duties/CallbackCard';
import { CallbackDialog } from '../duties/CallbackDialog';
import { Shortcuts } from '../help/Shortcuts';
import { OfferDialog } from '../offer/OfferDialog';
import { TalkBar } from '../talk/TalkBar';
import { Work } from '../work/Work';
import { WrapUpCard } from '../wrapup/WrapUpCard';
import { Banners } from './Banners';
import { CallList } from './CallList';
import { CallPane } from './CallPane';
import { Colleagues } from './Colleagues';
import styles from './Floor.module.css';
import { Notices } from './Notices';
import { SidePanel } from './SidePanel';
import { TopBar } from './TopBar';

interface FloorProps {
  readonly desk: Desk;
  readonly onSignOut: () => void;
}

export function Floor({ desk, onSignOut }: FloorProps) {
  // Below this width the brief moves into the middle, behind a tab.
  const wide = useMediaQuery('(min-width: 1280px)', true, { getInitialValueInEffect: false });
  const view = useObservable(desk.floor, (floor) => floor.view);
  const asked = useObservable(desk.floor, (floor) => floor.approvals.length > 0);
  return (
    <DeskContext value={desk}>
      <div className={styles.page}>
        <TopBar onSignOut={onSignOut} />
        <Banners />
        <AlertBar />
        <div className={styles.columns} data-asked={asked} data-view={view}>
          <aside className={styles.left} aria-label="Calls and colleagues">
            <CallList />
            <Colleagues />
          </aside>
          <main className={styles.middle}>
            <CallbackCard />
            <WrapUpCard />
            {view === 'work' ? <Work /> : <CallPane withSidePanel={!wide} />}
          </main>
          {asked && (
            <aside className={styles.right} aria-label="Approvals">
              <Approvals />
            </aside>
          )}
          {wide && !asked && view === 'calls' && (
            <aside className={styles.right} aria-label="Brief and guidelines">
              <SidePanel />
            </aside>
          )}
          <Notices />
        </div>
        <TalkBar />
      </div>
      <OfferDialog />
      <CallbackDialog />
      <Shortcuts />
    </DeskContext>
  );
}
