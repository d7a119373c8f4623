/** News in the corner, each for a few seconds; what went wrong stays longer. */

import { Notification } from '@mantine/core';
import { useEffect } from 'react';
import { useDesk, useFloor } from '../../desk-context';
import type { Notice, Tone } from '../../state/floor';
import { AlertIcon, CheckIcon } from '../../ui/icons';
import styles from './Notices.module.css';

const SHOWN_MS: Readonly<Record<Tone, number>> = { good: 5000, plain: 6000, bad: 12000 };
const COLOR: Readonly<Record<Tone, string>> = { good: 'leaf', plain: 'ink', bad: 'brick' };

export function Notices() {
  const notices = useFloor((floor) => floor.notices);
  return (
    <div className={styles.corner} role="region" aria-label="News" aria-live="polite">
      {notices.map((notice) => (
        <OneNotice key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function OneNotice({ notice }: { readonly notice: Notice }) {
  const desk = useDesk();
  const { id, tone, title, text } = notice;
  useEffect(() => {
    const timer = window.setTimeout(
      () => desk.dispatch({ kind: 'dismiss', notice: id }),
      SHOWN_MS[tone],
    );
    return () => window.clearTimeout(timer);
  }, [desk, id, tone]);
  return (
    <Notification
      withBorder
      classNames={{ description: styles.text }}
      role={tone === 'bad' ? 'alert' : 'status'}
      color={COLOR[tone]}
      icon={tone === 'bad' ? <AlertIcon /> : <CheckIcon />}
      title={title}
      closeButtonProps={{ 'aria-label': 'Dismiss' }}
      onClose={() => desk.dispatch({ kind: 'dismiss', notice: id })}
    >
      {text}
    </Notification>
  );
}
