/** The work beside the calls: second looks at the AI, what was left undone, how it all goes. */

import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';
import { useFloor } from '../../desk-context';
import panel from '../../ui/Panel.module.css';
import { Audits } from './Audits';
import { Board } from './Board';
import { Callbacks } from './Callbacks';
import { Figures } from './Figures';
import { FollowUpList } from './FollowUpList';
import { Queue } from './Queue';
import { Reviews } from './Reviews';
import styles from './Work.module.css';

type WorkTab = readonly [id: string, title: string, count: number, content: ReactNode];

export function Work() {
  const reviews = useFloor((floor) => floor.reviews.length);
  const waiting = useFloor((floor) => floor.queue.length);
  const callbacks = useFloor((floor) => floor.callbacks.length);
  const warnings = useFloor((floor) => floor.warnings.length);
  const tabs: readonly WorkTab[] = [
    ['reviews', 'Reviews', reviews, <Reviews key="reviews" />],
    ['audits', 'Audits', 0, <Audits key="audits" />],
    ['follow-ups', 'Follow-ups', 0, <FollowUpList key="follow-ups" />],
    ['callbacks', 'Callbacks', callbacks, <Callbacks key="callbacks" />],
    ['queue', 'Queue', waiting, <Queue key="queue" />],
    ['board', 'Board', 0, <Board key="board" />],
    ['figures', 'Figures', warnings, <Figures key="figures" />],
  ];
  return (
    <Tabs
      defaultValue="reviews"
      className={`${panel.panel} ${styles.work}`}
      keepMounted={false}
      aria-label="Work"
    >
      <Tabs.List className={styles.tabs}>
        {tabs.map(([id, title, count]) => (
          <Tabs.Tab key={id} value={id}>
            {title}
            {count > 0 && <span className={`${styles.count} number`}>{count}</span>}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(([id, , , content]) => (
        <Tabs.Panel key={id} value={id} className={styles.content} tabIndex={0}>
          {content}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
