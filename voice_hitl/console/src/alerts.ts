/** Everything about what waits for an answer that reaches a person who is not looking at the page. */

import { chime, ring } from './audio/ring';
import { foremostOffer } from './state/views';
import type { Floor } from './state/floor';

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

type Waiting = Pick<Floor, 'offers' | 'alerts' | 'callbackOffers' | 'approvals' | 'bridge'>;

const CRITICAL_SECONDS = 60;

/**
 * What to alert of: what rings here before anything else, then a critical call, a callback, and the
 * approval that came last.
 */
function alertOf(floor: Waiting): Alert | null {
  const offer = foremostOffer(floor.offers);
  if (offer !== null) {
    return {
      id: offer.offer_id,
      title: `☎ ${offer.caller} is calling`,
      heading: `Call from ${offer.caller}`,
      body: offer.brief.why,
      sound: () => ring(offer.seconds),
    };
  }
  const critical = floor.bridge === null ? floor.alerts[0] : undefined;
  if (critical !== undefined) {
    return {
      id: critical.call_id,
      title: `☎ Critical: ${critical.caller}`,
      heading: `Critical call from ${critical.caller}`,
      body: critical.brief.why,
      sound: () => ring(CRITICAL_SECONDS),
    };
  }
  const callback = floor.callbackOffers[0];
  if (callback !== undefined) {
    return {
      id: callback.offer_id,
      title: `☎ Call back ${callback.callback.number}`,
      heading: `Call back ${callback.callback.number}`,
      body: callback.callback.reason,
      sound: () => ring(callback.seconds),
    };
  }
  const approval = floor.approvals.at(-1);
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
  update(waiting: Waiting): void {
    const alert = alertOf(waiting);
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
