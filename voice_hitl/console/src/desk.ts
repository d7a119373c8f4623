/**
 * One signed-in operator's desk: owns the connection, the state, the ring and the conversation.
 * Components read `floor` and `talk` and call the methods; nothing else has effects.
 */

import { Alerts, askToNotify } from './alerts';
import { audioEngine, unlock } from './audio/engine';
import { Microphone, MicrophoneError, microphoneGranted } from './audio/microphone';
import { MICROPHONE_HELP } from './audio/microphone-help';
import { Talk } from './audio/talk';
import { Observable } from './lib/observable';
import { holdAlone } from './lib/one-window';
import { Connection } from './net/connection';
import { type Bridge, EMPTY_FLOOR, type Floor } from './state/floor';
import { type FloorEvent, reduce } from './state/reduce';
import type {
  Approve,
  ApprovalView,
  AuditVerdict,
  CallbackView,
  ConsoleMessage,
  Override,
  Reject,
  Respond,
  ServerMessage,
  SetPresence,
} from './wire';

type Named = 'approval_id' | 'digest';
/** An operator's answer to an approval. */
export type Answer = Omit<Approve, Named> | Omit<Reject, Named> | Omit<Respond, Named>;

export class Desk {
  readonly floor = new Observable<Floor>(EMPTY_FLOOR);
  readonly talk = new Observable<Talk | null>(null);
  readonly #connection: Connection;
  readonly #alerts = new Alerts();
  #warm: Promise<Microphone> | null = null;
  #bridge: Bridge | null = null;
  #watched: string | null = null;
  #giveUpTalk: () => void = () => undefined;

  constructor(onSignedOut: () => void) {
    this.floor.subscribe(() => this.#follow(this.floor.get()));
    this.#connection = new Connection({
      onMessage: (message) => this.#receive(message),
      onLink: (link) => this.dispatch({ kind: 'link', link }),
      onSignedOut,
    });
    audioEngine();
    // Browsers let a page sound only after it was touched; any touch will do.
    document.addEventListener('pointerdown', this.#unlock);
    document.addEventListener('keydown', this.#unlock);
  }

  close(): void {
    document.removeEventListener('pointerdown', this.#unlock);
    document.removeEventListener('keydown', this.#unlock);
    this.#connection.close();
    this.#alerts.update(EMPTY_FLOOR);
    this.#endTalk();
    this.#coolMicrophone();
  }

  dispatch(event: FloorEvent): void {
    this.floor.set(reduce(this.floor.get(), event));
  }

  /** Server time now, seconds since the epoch. */
  now(): number {
    return Date.now() / 1000 + this.floor.get().clockOffset;
  }

  setPresence(presence: SetPresence['presence']): void {
    this.#send({ type: 'presence', presence });
    if (presence === 'available') {
      void askToNotify();
      void this.#rehearse();
    }
  }

  select(callId: string): void {
    const { selected, view } = this.floor.get();
    if (callId !== selected || view !== 'calls') {
      this.dispatch({ kind: 'select', callId });
    }
  }

  /** Read further back in a call whose transcript has earlier lines. */
  earlier(callId: string): void {
    const first = this.floor.get().transcripts[callId]?.[0];
    if (first !== undefined) {
      this.#send({ type: 'earlier', call_id: callId, before: first.seq });
    }
  }

  accept(offerId: string): void {
    if (this.#send({ type: 'accept', offer_id: offerId })) {
      this.dispatch({ kind: 'taking', id: offerId });
    }
  }

  decline(offerId: string): void {
    this.#send({ type: 'decline', offer_id: offerId });
  }

  /** Answer what the AI asks; it counts for the very arguments that were on the screen. */
  answer(approval: ApprovalView, answer: Answer): void {
    const { approval_id, digest } = approval;
    if (this.#send({ ...answer, approval_id, digest })) {
      this.dispatch({ kind: 'answering', approvalId: approval_id });
    }
  }

  /** Say what became of a callback that this operator has. */
  closeCallback(callback: CallbackView, reached: boolean, note: string): void {
    const { callback_id, epoch } = callback;
    if (epoch !== null) {
      this.#send({ type: 'close_callback', callback_id, epoch, reached, note });
    }
  }

  /** The caller needs no call any more. */
  withdrawCallback(callback: CallbackView, note: string): void {
    this.#send({ type: 'withdraw_callback', callback_id: callback.callback_id, note });
  }

  /** Ready for calls before the wrap-up time is over. */
  endWrapUp(): void {
    this.#send({ type: 'wrap_up_done' });
  }

  /** Change the place of a call that waits. */
  override(callId: string, action: Override['action'], why: string): void {
    this.#send({ type: 'override', call_id: callId, action, why });
  }

  /** Say what this operator would do with a turn, before they know what the AI chose. */
  choose(reviewId: string, intent: string | null, text: string): void {
    this.#send({ type: 'review_choice', review_id: reviewId, intent, text });
  }

  /** Say whether the AI's choice and this operator's come to the same. */
  compare(reviewId: string, equal: boolean): void {
    this.#send({ type: 'review_verdict', review_id: reviewId, equal });
  }

  /** Ask for something to judge. */
  nextAudit(): void {
    if (this.#send({ type: 'next_audit' })) {
      this.dispatch({ kind: 'auditing' });
    }
  }

  judge(auditId: string, verdict: AuditVerdict['verdict'], note: string): void {
    this.#send({ type: 'audit_answer', audit_id: auditId, verdict, note });
  }

  /** Take a live call that was not offered. */
  take(callId: string): void {
    if (this.#send({ type: 'take', call_id: callId })) {
      this.#warmMicrophone();
      this.dispatch({ kind: 'taking', id: callId });
    }
  }

  handBack(note: string): void {
    const { bridge } = this.floor.get();
    if (bridge !== null) {
      this.#send({ type: 'hand_back', call_id: bridge.callId, epoch: bridge.epoch, note });
    }
  }

  endCall(): void {
    const { bridge } = this.floor.get();
    if (bridge !== null) {
      this.#send({ type: 'end_call', call_id: bridge.callId, epoch: bridge.epoch });
    }
  }

  reconnectNow(): void {
    this.#connection.retryNow();
  }

  readonly #unlock = (): void => void unlock();

  #send(message: ConsoleMessage): boolean {
    const sent = this.#connection.send(message);
    if (!sent) {
      this.dispatch({
        kind: 'notice',
        tone: 'bad',
        title: 'Not connected',
        text: 'The server was not told. Try again when the connection is back.',
      });
    }
    return sent;
  }

  #receive(message: ServerMessage): void {
    if (message.type === 'hello') {
      this.#watched = null; // A fresh connection watches nothing yet.
    }
    const mine = this.floor.get().taking !== null;
    this.dispatch({ kind: 'server', message, at: Date.now() / 1000 });
    this.#followBridge(mine);
  }

  /** Carry out what a new state asks for. */
  #follow(floor: Floor): void {
    const { selected } = floor;
    if (floor.link.status === 'open' && floor.me !== null && selected !== this.#watched) {
      this.#watched = selected;
      this.#connection.send({ type: 'watch', call_id: selected });
    }
    this.#alerts.update(floor);
    if (floor.offers.length > 0) {
      void this.#warmIfGranted();
    } else if (floor.taking === null && floor.bridge === null) {
      this.#coolMicrophone();
    }
  }

  /** Begin or end to talk; `mine`: the call was taken in this very window. */
  #followBridge(mine: boolean): void {
    const { bridge } = this.floor.get();
    const former = this.#bridge;
    if (former?.callId === bridge?.callId && former?.epoch === bridge?.epoch) {
      return;
    }
    this.#bridge = bridge;
    this.#endTalk();
    if (bridge !== null) {
      this.#giveUpTalk = holdAlone(`voice-hitl-talk-${bridge.callId}`, mine, () => {
        this.talk.set(new Talk(bridge.callId, bridge.epoch, this.#warm));
        this.#warm = null;
      });
    }
  }

  #endTalk(): void {
    this.#giveUpTalk();
    this.#giveUpTalk = () => undefined;
    this.talk.get()?.close();
    this.talk.set(null);
  }

  /** Open the microphone while the call rings, so that the first word is not lost. */
  #warmMicrophone(): void {
    if (this.#warm === null && this.#bridge === null) {
      this.#warm = Microphone.open();
      this.#warm.catch(() => undefined); // Told when the call begins and it is needed.
    }
  }

  async #warmIfGranted(): Promise<void> {
    if (this.#warm === null && (await microphoneGranted()) && this.floor.get().offers.length > 0) {
      this.#warmMicrophone();
    }
  }

  #coolMicrophone(): void {
    const warm = this.#warm;
    this.#warm = null;
    warm?.then(
      (microphone) => microphone.close(),
      () => undefined,
    );
  }

  /** Ask for the microphone before the first call, not in the middle of it. */
  async #rehearse(): Promise<void> {
    try {
      const microphone = await Microphone.open();
      microphone.close();
    } catch (error) {
      const fault = error instanceof MicrophoneError ? error.fault : 'failed';
      this.dispatch({ kind: 'notice', tone: 'bad', ...MICROPHONE_HELP[fault] });
    }
  }
}
