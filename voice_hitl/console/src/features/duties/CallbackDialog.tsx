/** A callback rings: somebody was promised a call, and this operator is free. */

import { Button, Modal } from '@mantine/core';
import { useDesk, useFloor, useServerNow } from '../../desk-context';
import { clock } from '../../lib/format';
import { useReady } from '../../lib/use-ready';
import { PhoneIcon } from '../../ui/icons';
import type { CallbackOfferView } from '../../wire';
import { UrgencyBadge } from '../floor/Brief';
import { CountdownRing } from '../offer/CountdownRing';
import styles from './CallbackDialog.module.css';

export function CallbackDialog() {
  // A call that rings comes first: it has a dialog of its own.
  const offer = useFloor((floor) =>
    floor.offers.length === 0 ? floor.callbackOffers[0] : undefined,
  );
  return (
    <Modal.Root
      opened={offer !== undefined}
      onClose={() => undefined}
      closeOnEscape={false}
      closeOnClickOutside={false}
      lockScroll={false}
      centered
      size={520}
      transitionProps={{ duration: 120 }}
    >
      <Modal.Overlay backgroundOpacity={0.45} />
      <Modal.Content>
        {offer !== undefined && (
          <Modal.Body className={styles.body}>
            <Ringing key={offer.offer_id} offer={offer} />
          </Modal.Body>
        )}
      </Modal.Content>
    </Modal.Root>
  );
}

function Ringing({ offer }: { readonly offer: CallbackOfferView }) {
  const desk = useDesk();
  const now = useServerNow();
  const taking = useFloor((floor) => floor.taking === offer.offer_id);
  const ready = useReady(offer.offer_id);
  const { callback } = offer;
  return (
    <>
      <div className={styles.head}>
        <CountdownRing timer={offer} now={() => desk.now()} />
        <div>
          <Modal.Title className={`${styles.number} number`}>
            Call back {callback.number}
          </Modal.Title>
          <UrgencyBadge urgency={callback.urgency} />
        </div>
        <p className="visually-hidden" role="alert">
          Somebody waits for your call: {callback.reason}
        </p>
      </div>
      <p>{callback.reason}</p>
      <p className={`${styles.promise} number`}>Due in {clock(callback.by - now)}</p>
      <div className={styles.actions}>
        <Button
          variant="default"
          disabled={taking || !ready}
          onClick={() => desk.decline(offer.offer_id)}
        >
          Decline
        </Button>
        <Button
          color="leaf"
          disabled={!ready}
          loading={taking}
          leftSection={<PhoneIcon size={16} />}
          onClick={() => desk.accept(offer.offer_id)}
        >
          I will call
        </Button>
      </div>
    </>
  );
}
