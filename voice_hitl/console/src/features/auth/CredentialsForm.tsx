/** Name and password, with the server's refusal in plain words. */

import { Button, PasswordInput, TextInput } from '@mantine/core';
import { type SyntheticEvent, useState } from 'react';
import { Refused } from '../../net/http';
import { AlertIcon } from '../../ui/icons';
import type { Session } from '../../wire';
import styles from './Card.module.css';

interface CredentialsFormProps {
  readonly action: string;
  readonly newPassword: boolean;
  readonly minPassword: number;
  readonly submit: (name: string, password: string) => Promise<Session>;
  readonly onDone: (session: Session) => void;
}

export function CredentialsForm(props: CredentialsFormProps) {
  const { action, newPassword, minPassword, submit, onDone } = props;
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const send = async (): Promise<void> => {
    if (name.trim() === '') {
      setProblem('Enter your name.');
      return;
    }
    if (password.length < minPassword) {
      setProblem(
        minPassword > 1
          ? `Choose a password of at least ${minPassword} characters.`
          : 'Enter your password.',
      );
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      onDone(await submit(name.trim(), password));
    } catch (error) {
      setProblem(error instanceof Refused ? error.message : 'Something went wrong. Try again.');
      setBusy(false);
    }
  };

  const onSubmit = (event: SyntheticEvent): void => {
    event.preventDefault();
    void send();
  };

  return (
    <form className={styles.form} onSubmit={onSubmit} noValidate>
      <TextInput
        label="Name"
        name="name"
        autoComplete="username"
        maxLength={64}
        autoFocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password"
        name="password"
        autoComplete={newPassword ? 'new-password' : 'current-password'}
        description={newPassword ? `At least ${minPassword} characters` : null}
        maxLength={256}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {problem !== null && (
        <div role="alert" className={styles.problem}>
          <AlertIcon />
          <span>{problem}</span>
        </div>
      )}
      <Button type="submit" size="md" loading={busy}>
        {action}
      </Button>
    </form>
  );
}
