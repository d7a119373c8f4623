/** A critical call that nobody has: whoever is on call and takes it first has it. */

import { Button } from '@mantine/core';
import { useDesk, useFloor } from '../../desk-context';
import { AlertIcon, PhoneIcon } from '../../ui/icons';
import styles from './AlertBar.module.css';

export function AlertBar() {
  const desk = useDesk();
  const alert = useFloor((floor) => floor.alerts[0]);
  const more = useFloor((floor) => floor.alerts.length - 1);
  const busy = useFloor((floor) => floor.bridge !== null);
  const taking = useFloor((floor) => floor.taking);
  if (alert === undefined || busy) {
    return null;
  }
  return (
    <div className={styles.bar} role="alert">
      <AlertIcon />
      <span className={styles.words}>
        <strong className="number">Critical: {alert.caller}</strong> {alert.brief.why}
        {more > 0 && ` And ${more} more.`}
      </span>
      <Button
        color="brick"
        leftSection={<PhoneIcon size={16} />}
        loading={taking === alert.call_id}
        onClick={() => desk.take(alert.call_id)}
      >
        Take call
      </Button>
    </div>
  );
}
