/** A press in the first moment after something came up was meant for what was there before. */

import { useEffect, useState } from 'react';

const DEAF_MS = 500;

/** Whether `what` has been on the screen long enough to be answered. */
export function useReady(what: string): boolean {
  const [seen, setSeen] = useState<string | null>(null);
  useEffect(() => {
    const timer = window.setTimeout(() => setSeen(what), DEAF_MS);
    return () => window.clearTimeout(timer);
  }, [what]);
  return seen === what;
}
