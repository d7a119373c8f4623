import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitHeard } from './heard';

it('keeps all of a line that still plays', () => {
  expect(splitHeard('Your balance is', null)).toEqual({ heard: 'Your balance is', unheard: '' });
});

it('cuts where the caller stopped hearing', () => {
  expect(splitHeard('Your balance is nine dollars.', 'Your  balance')).toEqual({
    heard: 'Your balance',
    unheard: ' is nine dollars.',
  });
  expect(splitHeard('Hello there.', '')).toEqual({ heard: '', unheard: 'Hello there.' });
  expect(splitHeard('Hello there.', 'Hello there.')).toEqual({
    heard: 'Hello there.',
    unheard: '',
  });
});

it('loses nothing but space at the end', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(10), (text, count) => {
      const heard = text.split(/\s+/).slice(0, count).join(' ');
      const split = splitHeard(text, heard);
      expect(split.heard + split.unheard).toBe(text.trimEnd());
    }),
  );
});
