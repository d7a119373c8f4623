/** The REST calls the console makes: who is signed in, first set-up, what people say of the work. */

import type {
  DispositionBody,
  ErrorBody,
  FiguresView,
  FollowUps,
  Session,
  SetUp,
  SignIn,
  WorkBoard,
} from '../wire';

/** A refusal, in words for the person. */
export class Refused extends Error {
  override name = 'Refused';

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const request: RequestInit = { method, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) {
    request.headers = { 'Content-Type': 'application/json' };
    request.body = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new Refused(0, 'The server cannot be reached. Check the network and try again.');
  }
  const text = await response.text();
  if (!response.ok) {
    throw new Refused(response.status, errorText(text, response.status));
  }
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

function errorText(text: string, status: number): string {
  try {
    const { error } = JSON.parse(text) as Partial<ErrorBody>;
    if (error !== undefined && error !== '') {
      return error;
    }
  } catch {
    // Not the server's own error: a proxy's page, say.
  }
  return `The server answered with an error (${status}). Try again in a moment.`;
}

const SESSION = '/api/v1/session';

export const signIn = (body: SignIn): Promise<Session> => call('POST', SESSION, body);

export const signOut = (): Promise<void> => call('DELETE', SESSION);

export const setUp = (body: SetUp): Promise<Session> => call('POST', '/api/v1/setup', body);

/** Say whether the handoff of a call was right. */
export const dispose = (callId: string, body: DispositionBody): Promise<void> =>
  call('POST', `/api/v1/calls/${encodeURIComponent(callId)}/disposition`, body);

export const workBoard = (): Promise<WorkBoard> => call('GET', '/api/v1/work');

export const followUps = (): Promise<FollowUps> => call('GET', '/api/v1/follow-ups');

/** Say that a follow-up has been seen to. */
export const followedUp = (approvalId: string): Promise<void> =>
  call('POST', `/api/v1/follow-ups/${encodeURIComponent(approvalId)}/done`);

export const figures = (): Promise<FiguresView> => call('GET', '/api/v1/figures');

/** Who is signed in; null when nobody is. Throws `Refused` when the server cannot say. */
export async function currentSession(): Promise<Session | null> {
  try {
    return await call<Session>('GET', SESSION);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      return null;
    }
    throw error;
  }
}
