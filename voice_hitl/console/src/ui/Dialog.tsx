/** A modal question with a title and a way out. */

import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import styles from './Dialog.module.css';

interface DialogProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly width: number;
  readonly children: ReactNode;
}

export function Dialog({ opened, onClose, title, width, children }: DialogProps) {
  return (
    // The page never scrolls; locking it would add an inline style sheet, which its policy forbids.
    <Modal.Root opened={opened} onClose={onClose} size={width} centered lockScroll={false}>
      <Modal.Overlay backgroundOpacity={0.45} />
      <Modal.Content>
        {/* Not Modal.Header: that is a second banner landmark. */}
        <div className={styles.head}>
          <Modal.Title className={styles.title}>{title}</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </div>
        <Modal.Body className={styles.body}>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
