import { setUp } from '../../net/http';
import type { Session } from '../../wire';
import { Card } from './Card';
import { CredentialsForm } from './CredentialsForm';

interface SetUpProps {
  /** From the one-time link that the server printed. */
  readonly token: string;
  readonly onDone: (session: Session) => void;
}

export function SetUp({ token, onDone }: SetUpProps) {
  return (
    <Card
      title="Create the first account"
      intro="This link works once. Colleagues’ accounts are added with “voice-hitl users add”."
    >
      <CredentialsForm
        action="Create account"
        newPassword
        minPassword={10}
        submit={(name, password) => setUp({ token, name, password })}
        onDone={onDone}
      />
    </Card>
  );
}
