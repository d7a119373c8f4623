/** What the action is done with: every value can be changed, and a change shows what it was. */

import { Button, TextInput } from '@mantine/core';
import { words } from '../../lib/format';
import type { ApprovalView } from '../../wire';
import styles from './ArgumentFields.module.css';

interface ArgumentFieldsProps {
  readonly approval: ApprovalView;
  readonly edited: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  readonly onEdit: (name: string, value: string) => void;
}

export function ArgumentFields({ approval, edited, disabled, onEdit }: ArgumentFieldsProps) {
  const proposed = Object.entries(approval.arguments);
  if (proposed.length === 0) {
    return null;
  }
  return (
    <div className={styles.fields}>
      {proposed.map(([name, from]) => {
        const value = edited[name] ?? from;
        return (
          <div key={name} className={styles.field} data-changed={value !== from}>
            <TextInput
              size="sm"
              label={words(name)}
              value={value}
              disabled={disabled}
              autoComplete="off"
              spellCheck={false}
              {...(value !== from && { description: <Was from={from} /> })}
              inputWrapperOrder={['label', 'input', 'description']}
              onChange={(event) => onEdit(name, event.currentTarget.value)}
            />
            {value !== from && (
              <Button
                className={styles.undo}
                size="compact-xs"
                variant="subtle"
                disabled={disabled}
                aria-label={`Undo the change of ${words(name)}`}
                onClick={() => onEdit(name, from)}
              >
                Undo
              </Button>
            )}
          </div>
        );
      })}
    </div>
  );
}

function Was({ from }: { readonly from: string }) {
  return (
    <>
      The AI wanted <del>{from === '' ? 'nothing' : from}</del>
    </>
  );
}
