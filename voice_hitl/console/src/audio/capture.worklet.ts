/**
 * Microphone to 20 ms frames of 8 kHz, on the audio thread. Posts one `Int16Array` a frame; any
 * message to it ends it.
 */

import { SampleFifo } from './fifo';
import { FRAME_SAMPLES, RATE, toInt16 } from './frames';
import { Resampler } from './resample';

class Capture extends AudioWorkletProcessor {
  readonly #resampler = new Resampler(sampleRate, RATE);
  readonly #fifo = new SampleFifo();
  #live = true;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.#live = false;
    };
  }

  override process(inputs: Float32Array[][]): boolean {
    const channel = inputs[0]?.[0];
    if (channel !== undefined) {
      this.#fifo.push(this.#resampler.process(channel));
    }
    for (
      let frame = this.#fifo.take(FRAME_SAMPLES);
      frame !== null;
      frame = this.#fifo.take(FRAME_SAMPLES)
    ) {
      const samples = toInt16(frame);
      this.port.postMessage(samples, [samples.buffer]);
    }
    return this.#live;
  }
}

registerProcessor('capture', Capture);
