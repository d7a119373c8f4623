import { signIn } from '../../net/http';
import type { Session } from '../../wire';
import { Card } from './Card';
import { CredentialsForm } from './CredentialsForm';

interface SignInProps {
  /** The person was signed in until a moment ago. */
  readonly expired: boolean;
  readonly onDone: (session: Session) => void;
}

export function SignIn({ expired, onDone }: SignInProps) {
  return (
    <Card
      title="Sign in"
      intro={
        expired
          ? 'Your session has ended. Sign in again to go on.'
          : 'Take over calls the AI should not handle alone.'
      }
    >
      <CredentialsForm
        action="Sign in"
        newPassword={false}
        minPassword={1}
        submit={(name, password) => signIn({ name, password })}
        onDone={onDone}
      />
    </Card>
  );
}
