/** What to do about a microphone that cannot be used. */

import type { MicrophoneFault } from './microphone';

export const MICROPHONE_HELP: Readonly<
  Record<MicrophoneFault, { readonly title: string; readonly text: string }>
> = {
  blocked: {
    title: 'The microphone is blocked',
    text: 'Click the icon left of the page’s address, allow the microphone, then try again.',
  },
  missing: {
    title: 'No microphone found',
    text: 'Plug in a headset or choose another microphone under Sound, then try again.',
  },
  busy: {
    title: 'The microphone is in use',
    text: 'Another program holds it. Close that program, then try again.',
  },
  insecure: {
    title: 'The microphone needs a secure page',
    text: 'Browsers allow it only over https or on localhost. Open the console’s https address.',
  },
  failed: {
    title: 'The microphone could not be opened',
    text: 'Check it in the system’s sound settings, then try again.',
  },
};
