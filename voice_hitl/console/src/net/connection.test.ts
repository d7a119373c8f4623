import { expect, it } from 'vitest';
import { parseMessage } from './connection';

it('takes the messages it knows', () => {
  expect(parseMessage('{"type":"problem","message":"no"}')).toEqual({
    type: 'problem',
    message: 'no',
  });
});

it('passes over what a newer server may send', () => {
  expect(parseMessage('{"type":"weather"}')).toBeNull();
  expect(parseMessage(new ArrayBuffer(4))).toBeNull();
});
