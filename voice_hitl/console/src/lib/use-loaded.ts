/** What a REST call answers, asked for again and again while somebody looks. */

import { useCallback, useEffect, useRef, useState } from 'react';
import { Refused } from '../net/http';

export interface Loaded<T> {
  /** Null until the first answer; the last good one while later ones fail. */
  readonly value: T | null;
  readonly problem: string | null;
  readonly again: () => void;
}

/** Load now and every `seconds`; `load` must stay the same function. */
export function useLoaded<T>(load: () => Promise<T>, seconds: number): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const shown = useRef(true);
  const again = useCallback((): void => {
    load().then(
      (loaded) => {
        if (shown.current) {
          setValue(loaded);
          setProblem(null);
        }
      },
      (error: unknown) => {
        if (shown.current) {
          setProblem(error instanceof Refused ? error.message : 'Something went wrong. Try again.');
        }
      },
    );
  }, [load]);
  useEffect(() => {
    shown.current = true;
    again();
    const timer = window.setInterval(again, seconds * 1000);
    return () => {
      shown.current = false;
      window.clearInterval(timer);
    };
  }, [again, seconds]);
  return { value, problem, again };
}
