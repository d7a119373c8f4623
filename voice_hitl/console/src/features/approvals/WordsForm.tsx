/** An answer that needs words: a reason, or what to say instead. */

import { Button, Textarea } from '@mantine/core';
import { type KeyboardEvent, useState } from 'react';
import styles from './WordsForm.module.css';

const LONGEST = 500;

interface WordsFormProps {
  readonly label: string;
  readonly description: string;
  readonly submit: string;
  readonly color: string;
  readonly disabled: boolean;
  readonly onBack: () => void;
  readonly onSubmit: (words: string) => void;
}

export function WordsForm(props: WordsFormProps) {
  const { label, description, submit, color, disabled, onBack, onSubmit } = props;
  const [words, setWords] = useState('');
  const missing = words.trim() === '';

  const send = (): void => {
    if (!missing && !disabled) {
      onSubmit(words.trim());
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    }
  };

  return (
    <div className={styles.form}>
      <Textarea
        autoFocus
        withAsterisk
        label={label}
        description={description}
        rows={2}
        maxLength={LONGEST}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div className={styles.actions}>
        <Button variant="default" onClick={onBack}>
          Back
        </Button>
        <Button
          className={styles.submit}
          color={color}
          disabled={missing || disabled}
          onClick={send}
        >
          {submit}
        </Button>
      </div>
    </div>
  );
}
