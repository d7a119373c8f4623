/** One window at a time: two tabs of the same operator must not both talk to the caller. */

/** How long a window that did not ask for the call leaves it to the one that did. */
const COURTESY_MS = 400;

/**
 * Call `begin` once this window may hold `name`: at once if no other window has it, else when that
 * one closes. `mine`: the person acted in this window. Returns a function that gives it up.
 * Without Web Locks (pages that are not secure) every window may.
 */
export function holdAlone(name: string, mine: boolean, begin: () => void): () => void {
  const locks = navigator.locks as LockManager | undefined;
  if (locks === undefined) {
    begin();
    return () => undefined;
  }
  const given = new AbortController();
  let release: () => void = () => undefined;
  const hold = (): Promise<void> =>
    new Promise((resolve) => {
      release = resolve;
      if (!mine) {
        begin();
      }
    });
  const ask = (): void => {
    locks.request(name, { signal: given.signal }, hold).catch(() => undefined); // Given up first.
  };
  let timer: number | undefined;
  if (mine) {
    begin(); // The others wait; asking first would cost the caller a moment of silence.
    ask();
  } else {
    timer = window.setTimeout(ask, COURTESY_MS);
  }
  return () => {
    window.clearTimeout(timer);
    given.abort();
    release();
  };
}
