/** The shortcuts that belong to no button on the screen. */

import { useDesk } from '../../desk-context';
import { canTake, liveCalls, selectedCall } from '../../state/views';
import { useShortcut } from './use-shortcut';

export function Shortcuts() {
  const desk = useDesk();

  useShortcut('a', () => {
    const presence = desk.floor.get().me?.presence;
    if (presence === 'available' || presence === 'away' || presence === 'break') {
      desk.setPresence(presence !== 'available' ? 'available' : 'away');
    }
  });

  const step = (by: 1 | -1): void => {
    const floor = desk.floor.get();
    const ids = liveCalls(floor).map((call) => call.call_id);
    const at = ids.indexOf(floor.selected ?? '');
    const next = ids[Math.max(0, Math.min(ids.length - 1, at + by))];
    if (next !== undefined) {
      desk.select(next);
    }
  };
  useShortcut('j', () => step(1));
  useShortcut('k', () => step(-1));

  useShortcut('t', () => {
    const floor = desk.floor.get();
    const selected = selectedCall(floor);
    if (selected !== null && selected.ended === null && canTake(floor, selected.call)) {
      desk.take(selected.call.call_id);
    }
  });
  return null;
}
