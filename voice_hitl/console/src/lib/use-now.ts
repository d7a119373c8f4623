/** The page's clock as React state, one tick a second, shared by all who look. */

import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let timer: number | undefined;
let now = Date.now() / 1000;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    now = Date.now() / 1000;
    for (const each of listeners) {
      each();
    }
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      window.clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Seconds since the epoch by the page's clock. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
