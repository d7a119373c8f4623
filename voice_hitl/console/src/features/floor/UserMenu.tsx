/** My name, and behind it the theme and the way out. */

import {
  Button,
  Popover,
  SegmentedControl,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core';
import { useState } from 'react';
import { initials } from '../../lib/format';
import { ChevronIcon } from '../../ui/icons';
import styles from './UserMenu.module.css';

interface UserMenuProps {
  readonly name: string;
  readonly onSignOut: () => void;
}

export function UserMenu({ name, onSignOut }: UserMenuProps) {
  const [opened, setOpened] = useState(false);
  // Mantine would otherwise add an inline style sheet for a moment, which the page's policy forbids.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={264}
      trapFocus
      withinPortal
    >
      <Popover.Target>
        <UnstyledButton className={styles.me} onClick={() => setOpened(!opened)}>
          <span className={styles.avatar} aria-hidden="true">
            {initials(name)}
          </span>
          <span className={styles.name}>{name}</span>
          <span className="visually-hidden">: theme and sign out</span>
          <ChevronIcon size={14} />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={name}>
        <div className={styles.menu}>
          <div>
            <h2 className="label">Theme</h2>
            <SegmentedControl
              aria-label="Theme"
              fullWidth
              mt={6}
              transitionDuration={120}
              value={colorScheme}
              onChange={(scheme) => setColorScheme(scheme)}
              data={[
                { value: 'auto', label: 'System' },
                { value: 'light', label: 'Light' },
                { value: 'dark', label: 'Dark' },
              ]}
            />
          </div>
          <Button variant="default" fullWidth onClick={onSignOut}>
            Sign out
          </Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
