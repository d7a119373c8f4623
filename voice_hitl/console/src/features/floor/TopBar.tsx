/** The bar at the top: whether calls come to me, and who I am. */

import { Group, Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useFloor } from '../../desk-context';
import { initials } from '../../lib/format';
import { CheckIcon, ChevronIcon } from '../../ui/icons';
import { Wordmark } from '../../ui/Wordmark';
import { HelpButton } from '../help/HelpButton';
import { SoundButton } from '../talk/SoundButton';
import { PresenceSwitch } from './PresenceSwitch';
import styles from './TopBar.module.css';

interface TopBarProps {
  readonly onSignOut: () => void;
}

const SCHEMES = [
  { value: 'auto', label: 'As the system' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const;

export function TopBar({ onSignOut }: TopBarProps) {
  const me = useFloor((floor) => floor.me);
  // Mantine would otherwise add an inline style sheet for a moment, which the page's policy forbids.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  return (
    <header className={styles.bar}>
      <Wordmark />
      <Group gap={12} wrap="nowrap">
        <SoundButton />
        <HelpButton />
        <PresenceSwitch />
        {me !== null && (
          <Menu position="bottom-end" width={200} withinPortal>
            <Menu.Target>
              <UnstyledButton className={styles.me} aria-label={`${me.name}: theme and sign out`}>
                <span className={styles.avatar} aria-hidden="true">
                  {initials(me.name)}
                </span>
                <span className={styles.name}>{me.name}</span>
                <ChevronIcon size={14} />
              </UnstyledButton>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Label>Theme</Menu.Label>
              {SCHEMES.map(({ value, label }) => (
                <Menu.Item
                  key={value}
                  onClick={() => setColorScheme(value)}
                  rightSection={value === colorScheme ? <CheckIcon size={16} /> : null}
                >
                  {label}
                </Menu.Item>
              ))}
              <Menu.Divider />
              <Menu.Item onClick={onSignOut}>Sign out</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
    </header>
  );
}
