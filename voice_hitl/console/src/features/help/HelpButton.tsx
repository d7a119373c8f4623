import { ActionIcon, Kbd, Popover } from '@mantine/core';
import { useState } from 'react';
import { HelpIcon } from '../../ui/icons';
import styles from './HelpButton.module.css';
import { useShortcut } from './use-shortcut';

const GROUPS = [
  {
    title: 'When a call rings',
    keys: [
      ['Enter', 'Take the call'],
      ['Esc', 'Decline it'],
    ],
  },
  {
    title: 'When the AI asks',
    keys: [
      ['R', 'Go to the question'],
      ['Esc', 'Back to the answers'],
    ],
  },
  {
    title: 'In a call',
    keys: [
      ['M', 'Mute or unmute'],
      ['H', 'Hand back to the AI'],
      ['E', 'End the call'],
    ],
  },
  {
    title: 'Anywhere',
    keys: [
      ['J', 'Next live call'],
      ['K', 'Previous live call'],
      ['T', 'Take the call shown'],
      ['A', 'Available or away'],
      ['?', 'This list'],
    ],
  },
] as const;

export function HelpButton() {
  const [opened, setOpened] = useState(false);
  useShortcut('?', () => setOpened(!opened));
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={280}
      trapFocus
      withinPortal
    >
      <Popover.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={36}
          aria-label="Keyboard shortcuts"
          onClick={() => setOpened(!opened)}
        >
          <HelpIcon size={20} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label="Keyboard shortcuts">
        <div className={styles.groups}>
          {GROUPS.map(({ title, keys }) => (
            <section key={title}>
              <h2 className="label">{title}</h2>
              <dl className={styles.keys}>
                {keys.map(([key, action]) => (
                  <div key={key}>
                    <dt>{action}</dt>
                    <dd>
                      <Kbd>{key}</Kbd>
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
