/**
 * Talking to the caller of one bridged call: the audio socket, the microphone into it, the
 * loudspeaker out of it. Listening goes on without a microphone; a lost socket is opened again
 * until `close`.
 */

import { backoff } from '../lib/backoff';
import { Observable } from '../lib/observable';
import { decodeFrame, encodeFrame, FRAME_BYTES } from './frames';
import { decibels, meterPosition } from './level';
import { Microphone, MicrophoneError, type MicrophoneFault } from './microphone';
import { Speaker } from './speaker';

/** The server's close code for a socket whose place another window of this operator took. */
const OTHER_WINDOW = 4001;

export interface TalkState {
  readonly link: 'opening' | 'open' | 'lost';
  readonly microphone: 'opening' | 'live' | MicrophoneFault;
  readonly muted: boolean;
}

/** Meter positions in [0, 1], fifty times a second. */
export interface Levels {
  readonly microphone: number;
  readonly caller: number;
}

/** More than 200 ms waiting in the socket is too old to be worth sending. */
const MAX_BUFFERED = 10 * FRAME_BYTES;

export function audioUrl(page: Location, callId: string, epoch: number): string {
  const scheme = page.protocol === 'https:' ? 'wss' : 'ws';
  return `${scheme}://${page.host}/ws/audio/${encodeURIComponent(callId)}?epoch=${epoch}`;
}

export class Talk {
  readonly state = new Observable<TalkState>({
    link: 'opening',
    microphone: 'opening',
    muted: false,
  });
  readonly levels = new Observable<Levels>({ microphone: 0, caller: 0 });
  readonly #url: string;
  #socket: WebSocket | null = null;
  #microphone: Microphone | null = null;
  #speaker: Speaker | null = null;
  #sequence = 0;
  #attempt = 0;
  #retry: number | undefined;
  #closed = false;

  /** `warm` is a microphone that was opened while the call rang. */
  constructor(callId: string, epoch: number, warm: Promise<Microphone> | null) {
    this.#url = audioUrl(window.location, callId, epoch);
    this.#openSocket();
    void this.#openSpeaker();
    void this.#useMicrophone(warm ?? Microphone.open());
  }

  mute(muted: boolean): void {
    this.#set({ muted });
    if (this.#microphone !== null) {
      this.#microphone.muted = muted;
    }
  }

  /** Another try at the microphone, after the person mended what was wrong or chose another. */
  retryMicrophone(): void {
    this.#microphone?.close();
    this.#microphone = null;
    void this.#useMicrophone(Microphone.open());
  }

  close(): void {
    this.#closed = true;
    window.clearTimeout(this.#retry);
    this.#socket?.close();
    this.#microphone?.close();
    this.#speaker?.close();
  }

  #set(change: Partial<TalkState>): void {
    this.state.set({ ...this.state.get(), ...change });
  }

  #openSocket(): void {
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.onopen = () => {
      this.#attempt = 0;
      this.#speaker?.newStream();
      this.#set({ link: 'open' });
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => this.#receive(data);
    socket.onclose = ({ code }: CloseEvent) => {
      if (this.#closed) {
        return;
      }
      this.#set({ link: 'lost' });
      this.levels.set({ ...this.levels.get(), caller: 0 });
      if (code === OTHER_WINDOW) {
        return; // taking the sound back would only make the two windows take it from each other in turn
      }
      this.#retry = window.setTimeout(() => this.#openSocket(), backoff(this.#attempt));
      this.#attempt = Math.min(this.#attempt + 1, 3);
    };
  }

  #receive(data: ArrayBuffer): void {
    const frame = decodeFrame(data);
    if (frame !== null) {
      this.levels.set({
        ...this.levels.get(),
        caller: meterPosition(decibels(frame.samples)),
      });
      this.#speaker?.play(frame);
    }
  }

  async #openSpeaker(): Promise<void> {
    const speaker = await Speaker.open();
    if (this.#closed) {
      speaker.close();
    } else {
      this.#speaker = speaker;
    }
  }

  async #useMicrophone(opening: Promise<Microphone>): Promise<void> {
    this.#set({ microphone: 'opening' });
    try {
      const microphone = await opening;
      if (this.#closed) {
        microphone.close();
        return;
      }
      microphone.muted = this.state.get().muted;
      microphone.onFrame = (samples) => this.#send(samples);
      microphone.onLost = () => this.#set({ microphone: 'missing' });
      this.#microphone = microphone;
      this.#set({ microphone: 'live' });
    } catch (error) {
      this.#set({ microphone: error instanceof MicrophoneError ? error.fault : 'failed' });
    }
  }

  #send(samples: Int16Array): void {
    this.levels.set({ ...this.levels.get(), microphone: meterPosition(decibels(samples)) });
    const sequence = this.#sequence;
    this.#sequence += 1;
    if (this.#socket?.readyState === WebSocket.OPEN && this.#socket.bufferedAmount < MAX_BUFFERED) {
      this.#socket.send(encodeFrame(sequence, samples));
    }
  }
}
