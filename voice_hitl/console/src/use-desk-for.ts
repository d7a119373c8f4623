/** A desk that lives as long as the component that uses it. */

import { useEffect, useRef, useState } from 'react';
import { Desk } from './desk';

export function useDeskFor(onSignedOut: () => void): Desk | null {
  const [desk, setDesk] = useState<Desk | null>(null);
  const signedOut = useRef(onSignedOut);
  useEffect(() => {
    signedOut.current = onSignedOut;
  });
  useEffect(() => {
    const opened = new Desk(() => signedOut.current());
    setDesk(opened);
    return () => opened.close();
  }, []);
  return desk;
}
