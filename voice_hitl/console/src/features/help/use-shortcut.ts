/** Single-key shortcuts, out of the way of typing and of open dialogs. */

import { useEffect, useRef } from 'react';

/** Whether a key press belongs to something other than the shortcuts. */
export function isTaken(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) {
    return true;
  }
  const target = event.target instanceof Element ? event.target : null;
  return (
    target?.closest('input:not([type="radio"]), textarea, select, [contenteditable]') !== null ||
    document.querySelector('[aria-modal="true"]') !== null
  );
}

/** Call `action` when `key` is pressed on its own. */
export function useShortcut(key: string, action: () => unknown): void {
  const current = useRef(action);
  useEffect(() => {
    current.current = action;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === key && !isTaken(event)) {
        event.preventDefault();
        current.current();
      }
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [key]);
}
