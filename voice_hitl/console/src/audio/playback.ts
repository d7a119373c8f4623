/** What the page tells the playback worklet. */

import type { Frame } from './frames';

export type PlaybackMessage =
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** Sequence numbers start anew. */
  | { readonly kind: 'new_stream' }
  | { readonly kind: 'end' };
