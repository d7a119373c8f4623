import { ActionIcon, Popover } from '@mantine/core';
import { useState } from 'react';
import { HeadsetIcon } from '../../ui/icons';
import { SoundSettings } from './SoundSettings';

export function SoundButton() {
  const [opened, setOpened] = useState(false);
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={320}
      trapFocus
      withinPortal
    >
      <Popover.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label="Sound"
          onClick={() => setOpened(!opened)}
        >
          <HeadsetIcon size={20} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label="Sound">
        <SoundSettings />
      </Popover.Dropdown>
    </Popover>
  );
}
