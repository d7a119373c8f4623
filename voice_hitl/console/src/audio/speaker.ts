/** The caller's voice on the loudspeaker, through the jitter buffer. */

import { loadChoice } from './devices';
import { audioEngine } from './engine';
import type { Frame } from './frames';
import type { PlaybackMessage } from './playback';

/** Where the browser lets a page choose its loudspeaker (not all do). */
interface SinkContext {
  setSinkId(id: string): Promise<void>;
}

export const canChooseSpeaker = (): boolean => 'setSinkId' in AudioContext.prototype;

/** Route all sound to the chosen loudspeaker; an unplugged one falls back to the default. */
export async function routeToChosenSpeaker(): Promise<void> {
  const { context } = audioEngine();
  if (!canChooseSpeaker()) {
    return;
  }
  const sink = context as unknown as SinkContext;
  const { speaker } = loadChoice();
  try {
    await sink.setSinkId(speaker);
  } catch {
    await sink.setSinkId('');
  }
}

export class Speaker {
  readonly #node: AudioWorkletNode;

  private constructor(context: AudioContext) {
    this.#node = new AudioWorkletNode(context, 'playback', {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.#node.connect(context.destination);
  }

  static async open(): Promise<Speaker> {
    const { context, ready } = audioEngine();
    await Promise.all([ready, routeToChosenSpeaker()]);
    return new Speaker(context);
  }

  play(frame: Frame): void {
    this.#post({ kind: 'frame', frame }, [frame.samples.buffer]);
  }

  /** The next frames belong to another stream. */
  newStream(): void {
    this.#post({ kind: 'new_stream' });
  }

  close(): void {
    this.#post({ kind: 'end' });
    this.#node.disconnect();
  }

  #post(message: PlaybackMessage, transfer: Transferable[] = []): void {
    this.#node.port.postMessage(message, transfer);
  }
}
