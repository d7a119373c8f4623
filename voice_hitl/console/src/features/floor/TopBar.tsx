/** The bar at the top: whether calls come to me, and who I am. */

import { useFloor } from '../../desk-context';
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
      <div className={styles.controls}>
        <SoundButton />
        <HelpButton />
        <PresenceSwitch />
        {name !== null && <UserMenu name={name} onSignOut={onSignOut} />}
      </div>
    </header>
  );
}
