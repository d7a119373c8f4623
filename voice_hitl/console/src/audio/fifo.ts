/** A first-in, first-out store of samples, for block sizes that do not divide one another. */
export class SampleFifo {
  #samples = new Float32Array(0);

  get length(): number {
    return this.#samples.length;
  }

  push(samples: Float32Array): void {
    const joined = new Float32Array(this.#samples.length + samples.length);
    joined.set(this.#samples);
    joined.set(samples, this.#samples.length);
    this.#samples = joined;
  }

  /** Take exactly `count` samples, or null when there are fewer. */
  take(count: number): Float32Array | null {
    if (this.#samples.length < count) {
      return null;
    }
    const taken = this.#samples.slice(0, count);
    this.#samples = this.#samples.slice(count);
    return taken;
  }
}
