/** The desk for components, and the parts of the floor they look at. */

import { createContext, useContext } from 'react';
import type { Desk } from './desk';
import { useObservable } from './lib/observable';
import { useNow } from './lib/use-now';
import type { Floor } from './state/floor';

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) {
    throw new Error('useDesk needs a DeskContext above it');
  }
  return desk;
}

/** Part of the floor; `select` must return the same part while it is unchanged. */
export function useFloor<Part>(select: (floor: Floor) => Part): Part {
  return useObservable(useDesk().floor, select);
}

/** Server time now, to the second. */
export function useServerNow(): number {
  return useNow() + useFloor((floor) => floor.clockOffset);
}
