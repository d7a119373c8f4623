/** A call that rings: why it needs a person, what was said, take or decline. */

import { Button, Kbd, Modal } from '@mantine/core';
import { useEffect } from 'react';
import type { Desk } from '../../desk';
import { useDesk, useFloor } from '../../desk-context';
import { foremostOffer } from '../../state/views';
import { PhoneIcon } from '../../ui/icons';
import type { OfferView } from '../../wire';
import { Exchanges, Facts, NextStep, Pending, Section, Tried, UrgencyBadge } from '../floor/Brief';
import { ReasonList } from '../../ui/ReasonList';
import { CountdownRing } from './CountdownRing';
import styles from './OfferDialog.module.css';

/** Keys pressed in this time after the dialog came up were meant for something else. */
const DEAF_MS = 400;

export function OfferDialog() {
  const offers = useFloor((floor) => floor.offers);
  const offer = foremostOffer(offers);
  return (
    <Modal.Root
      opened={offer !== null}
      onClose={() => undefined}
      closeOnEscape={false}
      closeOnClickOutside={false}
      lockScroll={false}
      centered
      size={840}
      transitionProps={{ duration: 120 }}
    >
      <Modal.Overlay backgroundOpacity={0.45} />
      <Modal.Content>
        {offer !== null && (
          <Modal.Body className={styles.body}>
            <Offer key={offer.offer_id} offer={offer} others={offers.length - 1} />
          </Modal.Body>
        )}
      </Modal.Content>
    </Modal.Root>
  );
}

interface OfferProps {
  readonly offer: OfferView;
  readonly others: number;
}

function Offer({ offer, others }: OfferProps) {
  const desk = useDesk();
  const taking = useFloor((floor) => floor.taking === offer.offer_id);
  const { brief } = offer;
  useAnswerKeys(desk, offer.offer_id);
  return (
    <>
      <div className={styles.header} data-urgency={brief.urgency}>
        <CountdownRing timer={offer} now={() => desk.now()} />
        <div className={styles.title}>
          <Modal.Title className={`${styles.caller} number`}>{offer.caller}</Modal.Title>
          <UrgencyBadge urgency={brief.urgency} />
          {others > 0 && <span className={styles.others}>and {others} more waiting</span>}
          <p className={styles.why}>{brief.why}</p>
          <p className="visually-hidden" role="alert">
            {offer.caller} is calling. {brief.why}
          </p>
        </div>
      </div>
      <div className={styles.columns}>
        <div className={styles.column} tabIndex={0}>
          <NextStep brief={brief} />
          <Section title="Why now">
            <ReasonList reasons={brief.reasons} />
          </Section>
          <Section title="Who and what">
            <Facts brief={brief} />
          </Section>
        </div>
        <div className={styles.column} tabIndex={0}>
          <Section title="Last exchanges">
            <Exchanges exchanges={brief.exchanges} />
          </Section>
          <Section title="Tried so far">
            <Tried tried={brief.tried} />
          </Section>
          {brief.pending !== null && (
            <Section title="Pending">
              <Pending pending={brief.pending} />
            </Section>
          )}
        </div>
      </div>
      <div className={styles.footer}>
        <Button
          variant="default"
          size="md"
          disabled={taking}
          onClick={() => desk.decline(offer.offer_id)}
        >
          Decline <Kbd className={styles.key}>Esc</Kbd>
        </Button>
        <Button
          color="leaf"
          size="md"
          data-autofocus
          loading={taking}
          leftSection={<PhoneIcon size={18} />}
          onClick={() => desk.accept(offer.offer_id)}
        >
          Take call <Kbd className={styles.key}>Enter</Kbd>
        </Button>
      </div>
    </>
  );
}

/** Taking and declining by key. */
function useAnswerKeys(desk: Desk, offerId: string): void {
  useEffect(() => {
    const since = performance.now();
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Enter' && event.key !== 'Escape') {
        return;
      }
      const meant = performance.now() - since > DEAF_MS && !event.repeat;
      const onButton = event.target instanceof Element && event.target.closest('button') !== null;
      if (!meant) {
        event.preventDefault();
        event.stopPropagation();
      } else if (event.key === 'Escape') {
        desk.decline(offerId);
      } else if (!onButton) {
        desk.accept(offerId);
      }
    };
    // Before the focused button turns Enter into a click.
    window.addEventListener('keydown', onKeyDown, { capture: true });
    return () => window.removeEventListener('keydown', onKeyDown, { capture: true });
  }, [desk, offerId]);
}
