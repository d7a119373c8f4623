/** Everything about a ringing call that reaches a person who is not looking at the page. */

import { ring } from '../../audio/ring';
import { foremostOffer } from '../../state/views';
import type { OfferView } from '../../wire';

const TITLE = document.title;
const FLASH_MS = 1000;

export class OfferAlerts {
  #ringing: string | null = null;
  #stopRing: (() => void) | null = null;
  #flash: number | undefined;
  #notification: Notification | null = null;

  /** These calls ring now; the alerts start, change or stop accordingly. */
  update(offers: readonly OfferView[]): void {
    const offer = foremostOffer(offers);
    if ((offer?.offer_id ?? null) === this.#ringing) {
      return;
    }
    this.#stop();
    this.#ringing = offer?.offer_id ?? null;
    if (offer !== null) {
      this.#start(offer);
    }
  }

  #start(offer: OfferView): void {
    this.#stopRing = ring(offer.seconds);
    let lit = true;
    const flash = (): void => {
      document.title = lit ? `☎ ${offer.caller} is calling` : TITLE;
      lit = !lit;
    };
    flash();
    this.#flash = window.setInterval(flash, FLASH_MS);
    if (document.hidden && 'Notification' in window && Notification.permission === 'granted') {
      const notification = new Notification(`Call from ${offer.caller}`, {
        body: offer.brief.why,
        tag: offer.offer_id,
        requireInteraction: true,
      });
      notification.onclick = () => window.focus();
      this.#notification = notification;
    }
  }

  #stop(): void {
    this.#stopRing?.();
    this.#stopRing = null;
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
