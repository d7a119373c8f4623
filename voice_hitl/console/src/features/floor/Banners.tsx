/** What stands across the page: a lost connection, time for a break, a newer server. */

import { Button } from '@mantine/core';
import { audible } from '../../audio/engine';
import { useDesk, useFloor } from '../../desk-context';
import { useObservable } from '../../lib/observable';
import { useNow } from '../../lib/use-now';
import { AlertIcon, SpeakerIcon } from '../../ui/icons';
import styles from './Banners.module.css';

export function Banners() {
  const link = useFloor((floor) => floor.link);
  const known = useFloor((floor) => floor.me !== null);
  const bridged = useFloor((floor) => floor.bridge !== null);
  const outdated = useFloor((floor) => floor.outdated);
  const expecting = useFloor((floor) => floor.me?.presence === 'available');
  const tired = useFloor((floor) => floor.me?.resting === true && floor.me.presence !== 'break');
  const desk = useDesk();
  const heard = useObservable(audible, (value) => value);
  if (link.status !== 'open' && known) {
    return <Lost bridged={bridged} retryAt={link.status === 'lost' ? link.retryAt : null} />;
  }
  if (expecting && !heard) {
    return (
      <div className={styles.banner} data-tone="accent" role="status">
        <SpeakerIcon />
        <span>
          The browser keeps this page silent until you click in it or press a key: a call would not
          ring.
        </span>
      </div>
    );
  }
  if (tired && !bridged) {
    return (
      <div className={styles.banner} data-tone="accent" role="status">
        <span>Time for a break: nothing rings here until you have rested.</span>
        <Button size="compact-sm" variant="default" onClick={() => desk.setPresence('break')}>
          Take a break
        </Button>
      </div>
    );
  }
  if (outdated && !bridged) {
    return (
      <div className={styles.banner} data-tone="accent" role="status">
        <span>The server was updated. Reload the console to match it.</span>
        <Button size="compact-sm" variant="default" onClick={() => window.location.reload()}>
          Reload
        </Button>
      </div>
    );
  }
  return null;
}

interface LostProps {
  readonly bridged: boolean;
  /** Milliseconds of the page's clock; null while a try is under way. */
  readonly retryAt: number | null;
}

function Lost({ bridged, retryAt }: LostProps) {
  const desk = useDesk();
  const now = useNow();
  const wait = retryAt === null ? 0 : Math.max(0, Math.ceil(retryAt / 1000 - now));
  return (
    <div className={styles.banner} data-tone="bad" role="alert">
      <AlertIcon />
      <span>
        <strong>Connection lost.</strong>{' '}
        {bridged
          ? 'The caller may not hear you until it is back.'
          : 'What you see may be out of date, and no calls reach you.'}
      </span>
      {wait > 0 ? (
        <>
          <span className={`${styles.wait} number`} aria-hidden="true">
            Next try in {wait} s
          </span>
          <Button size="compact-sm" variant="default" onClick={() => desk.reconnectNow()}>
            Try now
          </Button>
        </>
      ) : (
        <span className={styles.wait} aria-hidden="true">
          Reconnecting…
        </span>
      )}
    </div>
  );
}
