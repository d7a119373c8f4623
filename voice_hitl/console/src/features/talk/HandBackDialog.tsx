import { Button, Group, Textarea } from '@mantine/core';
import { type KeyboardEvent, useState } from 'react';
import { Dialog } from '../../ui/Dialog';

interface HandBackDialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onHandBack: (note: string) => void;
}

const LONGEST_NOTE = 2000;

export function HandBackDialog({ opened, onClose, onHandBack }: HandBackDialogProps) {
  const [note, setNote] = useState('');

  const handBack = (): void => {
    onHandBack(note.trim());
    setNote('');
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      handBack();
    }
  };

  return (
    <Dialog opened={opened} onClose={onClose} title="Hand the call back to the AI" width={480}>
      <Textarea
        label="Note for the AI and for the record"
        description="Optional: what you settled, what is left to do"
        data-autofocus
        rows={4}
        maxLength={LONGEST_NOTE}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <Group justify="flex-end" gap={8}>
        <Button variant="default" onClick={onClose}>
          Keep talking
        </Button>
        <Button onClick={handBack}>Hand back</Button>
      </Group>
    </Dialog>
  );
}
