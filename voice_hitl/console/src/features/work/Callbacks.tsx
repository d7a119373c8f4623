/** Promises to call somebody back that are not kept yet; they ring by themselves at whoever is free. */

import { useFloor, useServerNow } from '../../desk-context';
import { clock } from '../../lib/format';
import { Badge } from '../../ui/Badge';
import type { CallbackView } from '../../wire';
import { UrgencyBadge } from '../floor/Brief';
import part from './Part.module.css';

export function Callbacks() {
  const callbacks = useFloor((floor) => floor.callbacks);
  const sorted = [...callbacks].sort((a, b) => a.by - b.by);
  return (
    <div className={part.column}>
      <p className={part.intro}>
        Callers who were promised a call. It rings at whoever is free; nobody need pick one.
      </p>
      {sorted.length === 0 && <p>No promise is open.</p>}
      {sorted.map((callback) => (
        <OneCallback key={callback.callback_id} callback={callback} />
      ))}
    </div>
  );
}

function OneCallback({ callback }: { readonly callback: CallbackView }) {
  const now = useServerNow();
  const who = useFloor((floor) => floor.operators[callback.operator_id ?? '']?.name ?? null);
  const left = callback.by - now;
  return (
    <article className={part.card} aria-label={callback.number}>
      <div className={part.head}>
        <h2 className={`${part.title} number`}>{callback.number}</h2>
        <UrgencyBadge urgency={callback.urgency} />
        {callback.state === 'claimed' && (
          <Badge tone="good">{who === null ? 'With a colleague' : `With ${who}`}</Badge>
        )}
      </div>
      <p>{callback.reason}</p>
      <p className={`${part.facts} number`}>
        <span>{left >= 0 ? `Due in ${clock(left)}` : `Late by ${clock(-left)}`}</span>
        {callback.tries > 0 && <span>Tried {callback.tries} times</span>}
        {callback.note !== '' && <span>{callback.note}</span>}
      </p>
    </article>
  );
}
