/** Frames of 8 kHz to the loudspeaker, on the audio thread. */

import { SampleFifo } from './fifo';
import { RATE } from './frames';
import { JitterBuffer } from './jitter';
import type { PlaybackMessage } from './playback';
import { Resampler } from './resample';

/** How much is taken from the jitter buffer at a time: 4 ms. */
const STEP = 32;

class Playback extends AudioWorkletProcessor {
  readonly #resampler = new Resampler(RATE, sampleRate);
  readonly #fifo = new SampleFifo();
  #jitter = new JitterBuffer();
  #live = true;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<PlaybackMessage>) => {
      switch (data.kind) {
        case 'frame':
          this.#jitter.push(data.frame.sequence, data.frame.samples, currentTime);
          break;
        case 'new_stream':
          this.#jitter = new JitterBuffer();
          break;
        case 'end':
          this.#live = false;
          break;
      }
    };
  }

  override process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const channels = outputs[0] ?? [];
    const length = channels[0]?.length ?? 0;
    while (this.#fifo.length < length) {
      this.#fifo.push(this.#resampler.process(this.#jitter.pull(STEP)));
    }
    const sound = this.#fifo.take(length);
    for (const channel of channels) {
      channel.set(sound ?? []);
    }
    return this.#live;
  }
}

registerProcessor('playback', Playback);
