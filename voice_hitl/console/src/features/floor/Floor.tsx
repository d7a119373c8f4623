/** The operator's screen: calls on the left, the call being read in the middle, its brief on the right. */

import { useMediaQuery } from '@mantine/hooks';
import type { Desk } from '../../desk';
import { DeskContext } from '../../desk-context';
import { Shortcuts } from '../help/Shortcuts';
import { OfferDialog } from '../offer/OfferDialog';
import { TalkBar } from '../talk/TalkBar';
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
  return (
    <DeskContext value={desk}>
      <div className={styles.page}>
        <TopBar onSignOut={onSignOut} />
        <Banners />
        <div className={styles.columns}>
          <aside className={styles.left} aria-label="Calls and colleagues">
            <CallList />
            <Colleagues />
          </aside>
          <main className={styles.middle}>
            <CallPane withSidePanel={!wide} />
          </main>
          {wide && (
            <aside className={styles.right} aria-label="Brief and guidelines">
              <SidePanel />
            </aside>
          )}
          <Notices />
        </div>
        <TalkBar />
      </div>
      <OfferDialog />
      <Shortcuts />
    </DeskContext>
  );
}
