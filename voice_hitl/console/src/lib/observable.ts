/** A value that says when it changes: what React components and plain code share. */

import { useSyncExternalStore } from 'react';

export interface Readable<T> {
  readonly get: () => T;
  readonly subscribe: (listener: () => void) => () => void;
}

export class Observable<T> implements Readable<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get = (): T => this.#value;

  /** Replace the value; listeners hear of it unless it is the same. */
  set(value: T): void {
    if (Object.is(value, this.#value)) {
      return;
    }
    this.#value = value;
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** Part of an observable as React state; `select` must return the same part while it is unchanged. */
export function useObservable<T, Part>(source: Readable<T>, select: (value: T) => Part): Part {
  return useSyncExternalStore(source.subscribe, () => select(source.get()));
}
