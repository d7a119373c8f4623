/** The console's event socket: opened again after every loss until the session is over. */

import { backoff } from '../lib/backoff';
import type { Link } from '../state/floor';
import { type ConsoleMessage, SERVER_MESSAGES, type ServerMessage } from '../wire';
import { currentSession } from './http';

export interface ConnectionEvents {
  readonly onMessage: (message: ServerMessage) => void;
  readonly onLink: (link: Link) => void;
  /** The server no longer knows this session. */
  readonly onSignedOut: () => void;
}

/** A message of the socket; null for what this version of the console does not know. */
export function parseMessage(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') {
    return null;
  }
  const message = JSON.parse(data) as ServerMessage;
  return SERVER_MESSAGES.includes(message.type) ? message : null;
}

export class Connection {
  readonly #events: ConnectionEvents;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #retry: number | undefined;
  #closed = false;

  constructor(events: ConnectionEvents) {
    this.#events = events;
    window.addEventListener('online', this.retryNow);
    this.#open();
  }

  /** Send a command; false when there is no connection to send it on. */
  send(message: ConsoleMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return false;
    }
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Do not wait for the next try. */
  retryNow = (): void => {
    if (this.#retry !== undefined) {
      window.clearTimeout(this.#retry);
      this.#retry = undefined;
      void this.#reopen();
    }
  };

  close(): void {
    this.#closed = true;
    window.clearTimeout(this.#retry);
    window.removeEventListener('online', this.retryNow);
    this.#socket?.close();
  }

  #open(): void {
    const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${window.location.host}/ws/console`);
    this.#socket = socket;
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      const message = parseMessage(data);
      if (message === null || this.#closed) {
        return;
      }
      if (message.type === 'hello') {
        this.#attempt = 0;
        this.#events.onLink({ status: 'open' });
      }
      this.#events.onMessage(message);
    };
    socket.onclose = () => {
      if (!this.#closed) {
        this.#wait();
      }
    };
  }

  #wait(): void {
    const delay = backoff(this.#attempt);
    this.#attempt += 1;
    this.#events.onLink({ status: 'lost', retryAt: Date.now() + delay });
    this.#retry = window.setTimeout(() => {
      this.#retry = undefined;
      void this.#reopen();
    }, delay);
  }

  /** A socket does not say why it was refused; the session does. */
  async #reopen(): Promise<void> {
    this.#events.onLink({ status: 'connecting' });
    try {
      const session = await currentSession();
      if (this.#closed) {
        return;
      }
      if (session === null) {
        this.close();
        this.#events.onSignedOut();
      } else {
        this.#open();
      }
    } catch {
      if (!this.#closed) {
        this.#wait();
      }
    }
  }
}
