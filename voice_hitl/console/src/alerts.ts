/** Everything about what waits for an answer that reaches a person who is not looking at the page. */

import { chime, ring } from './audio/ring';
import { foremostOffer } from './state/views';
import type { ApprovalView, OfferView } from './wire';

const TITLE = document.title;
const FLASH_MS = 1000;

interface Alert {
  readonly id: string;
  /** Of the window, every other second. */
  readonly title: string;
  readonly heading: string;
  readonly body: string;
  /** Begin to sound; returns how to stop. */
  readonly sound: () => () => void;
}

/** What to alert of: a ringing call before anything else, then the approval that came last. */
function alertOf(offers: readonly OfferView[], approvals: readonly ApprovalView[]): Alert | null {
  const offer = foremostOffer(offers);
  if (offer !== null) {
    return {
      id: offer.offer_id,
      title: `☎ ${offer.caller} is calling`,
      heading: `Call from ${offer.caller}`,
      body: offer.brief.why,
      sound: () => ring(offer.seconds),
    };
  }
  const approval = approvals.at(-1);
  if (approval === undefined) {
    return null;
  }
  return {
    id: approval.approval_id,
    title: '❓ The AI asks you',
    heading: approval.veto ? 'Done unless you object' : 'The AI asks for your approval',
    body: approval.summary,
    sound: chime,
  };
}

export class Alerts {
  #alert: string | null = null;
  #stopSound: (() => void) | null = null;
  #flash: number | undefined;
  #notification: Notification | null = null;

  /** These wait now; the alerts start, change or stop accordingly. */
  update(offers: readonly OfferView[], approvals: readonly ApprovalView[]): void {
    const alert = alertOf(offers, approvals);
    if ((alert?.id ?? null) === this.#alert) {
      return;
    }
    this.#stop();
    this.#alert = alert?.id ?? null;
    if (alert !== null) {
      this.#start(alert);
    }
  }

  #start(alert: Alert): void {
    this.#stopSound = alert.sound();
    let lit = true;
    const flash = (): void => {
      document.title = lit ? alert.title : TITLE;
      lit = !lit;
    };
    flash();
    this.#flash = window.setInterval(flash, FLASH_MS);
    if (document.hidden && 'Notification' in window && Notification.permission === 'granted') {
      const notification = new Notification(alert.heading, {
        body: alert.body,
        tag: alert.id,
        requireInteraction: true,
      });
      notification.onclick = () => window.focus();
      this.#notification = notification;
    }
  }

  #stop(): void {
    this.#stopSound?.();
    this.#stopSound = null;
    window.clearInterval(this.#flash);
    document.title = TITLE;
    this.#notification?.close();
    this.#notification = null;
  }
}

/** Ask once whether notifications may be shown; the answer is the browser's to keep. */
export async function askToNotify(): Promise<void> {
  if ('Notification' in window && Notification.permission === 'default') {
    await Notification.requestPermission();
  }
}
