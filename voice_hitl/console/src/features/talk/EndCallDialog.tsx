import { Button, Group } from '@mantine/core';
import { Dialog } from '../../ui/Dialog';

interface EndCallDialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onEnd: () => void;
}

export function EndCallDialog({ opened, onClose, onEnd }: EndCallDialogProps) {
  return (
    <Dialog opened={opened} onClose={onClose} title="End the call?" width={400}>
      <p>The line is cut for the caller as well.</p>
      <Group justify="flex-end" gap={8}>
        <Button variant="default" onClick={onClose}>
          Keep talking
        </Button>
        <Button color="brick" data-autofocus onClick={onEnd}>
          End call
        </Button>
      </Group>
    </Dialog>
  );
}
