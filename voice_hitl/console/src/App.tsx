/** Who is here decides what is shown: set-up, sign-in, or the floor. */

import { Loader } from '@mantine/core';
import { useEffect, useState } from 'react';
import styles from './App.module.css';
import { Unreachable } from './features/auth/Unreachable';
import { SetUp } from './features/auth/SetUp';
import { SignIn } from './features/auth/SignIn';
import { Floor } from './features/floor/Floor';
import { currentSession, Refused, signOut } from './net/http';
import { useDeskFor } from './use-desk-for';
import type { Session } from './wire';

type Visitor =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unreachable'; readonly problem: string }
  | { readonly kind: 'new'; readonly token: string }
  | { readonly kind: 'stranger'; readonly expired: boolean }
  | { readonly kind: 'operator'; readonly session: Session };

function firstVisitor(): Visitor {
  const { pathname, search } = window.location;
  if (pathname === '/setup') {
    return { kind: 'new', token: new URLSearchParams(search).get('token') ?? '' };
  }
  return { kind: 'unknown' };
}

async function recognize(): Promise<Visitor> {
  try {
    const session = await currentSession();
    return session === null ? { kind: 'stranger', expired: false } : { kind: 'operator', session };
  } catch (error) {
    const problem = error instanceof Refused ? error.message : 'Something went wrong. Try again.';
    return { kind: 'unreachable', problem };
  }
}

export function App() {
  const [visitor, setVisitor] = useState(firstVisitor);

  useEffect(() => {
    if (visitor.kind === 'unknown') {
      void recognize().then(setVisitor);
    }
  }, [visitor.kind]);

  const welcome = (session: Session): void => {
    // The one-time token must not stay in the address or the history.
    window.history.replaceState(null, '', '/');
    setVisitor({ kind: 'operator', session });
  };

  switch (visitor.kind) {
    case 'unknown':
      return (
        <div className={styles.centre}>
          <Loader aria-label="Loading" />
        </div>
      );
    case 'unreachable':
      return (
        <Unreachable problem={visitor.problem} onRetry={() => setVisitor({ kind: 'unknown' })} />
      );
    case 'new':
      return <SetUp token={visitor.token} onDone={welcome} />;
    case 'stranger':
      return <SignIn expired={visitor.expired} onDone={welcome} />;
    case 'operator':
      return (
        <SignedIn
          key={visitor.session.operator_id}
          onLeft={(expired) => setVisitor({ kind: 'stranger', expired })}
        />
      );
  }
}

function SignedIn({ onLeft }: { readonly onLeft: (expired: boolean) => void }) {
  const desk = useDeskFor(() => onLeft(true));
  if (desk === null) {
    return null;
  }
  const leave = async (): Promise<void> => {
    try {
      await signOut();
      onLeft(false);
    } catch (error) {
      const text = error instanceof Refused ? error.message : 'Try again.';
      desk.dispatch({ kind: 'notice', tone: 'bad', title: 'You are still signed in', text });
    }
  };
  return <Floor desk={desk} onSignOut={() => void leave()} />;
}
