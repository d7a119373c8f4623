/** The bar at the top: whether calls come to me, and who I am. */

import { useDesk, useFloor } from '../../desk-context';
import type { Floor } from '../../state/floor';
import { Wordmark } from '../../ui/Wordmark';
import { HelpButton } from '../help/HelpButton';
import { SoundButton } from '../talk/SoundButton';
import { PresenceSwitch } from './PresenceSwitch';
import styles from './TopBar.module.css';
import { UserMenu } from './UserMenu';

interface TopBarProps {
  readonly onSignOut: () => void;
}

export function TopBar({ onSignOut }: TopBarProps) {
  const name = useFloor((floor) => floor.me?.name ?? null);
  return (
    <header className={styles.bar}>
      <h1 className={styles.product}>
        <Wordmark />
      </h1>
      <Pages />
      <div className={styles.controls}>
        <SoundButton />
        <HelpButton />
        <PresenceSwitch />
        {name !== null && <UserMenu name={name} onSignOut={onSignOut} />}
      </div>
    </header>
  );
}

const PAGES: readonly [view: Floor['view'], title: string][] = [
  ['calls', 'Calls'],
  ['work', 'Work'],
];

function Pages() {
  const desk = useDesk();
  const shown = useFloor((floor) => floor.view);
  const waiting = useFloor((floor) => floor.reviews.length + floor.warnings.length);
  return (
    <nav className={styles.pages} aria-label="Pages">
      {PAGES.map(([view, title]) => (
        <button
          key={view}
          type="button"
          className={styles.page}
          aria-current={shown === view ? 'page' : undefined}
          onClick={() => desk.dispatch({ kind: 'view', view })}
        >
          {title}
          {view === 'work' && waiting > 0 && (
            <span className={`${styles.waiting} number`}>
              {waiting}
              <span className="visually-hidden"> waiting</span>
            </span>
          )}
        </button>
      ))}
    </nav>
  );
}
