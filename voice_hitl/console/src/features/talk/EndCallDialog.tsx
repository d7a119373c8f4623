import { Button, Group, Modal } from '@mantine/core';

interface EndCallDialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onEnd: () => void;
}

export function EndCallDialog({ opened, onClose, onEnd }: EndCallDialogProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="End the call?"
      centered
      size="sm"
      lockScroll={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p>The line is cut for the caller as well.</p>
      <Group justify="flex-end" gap={8} mt={20}>
        <Button variant="default" onClick={onClose}>
          Keep talking
        </Button>
        <Button color="brick" data-autofocus onClick={onEnd}>
          End call
        </Button>
      </Group>
    </Modal>
  );
}
