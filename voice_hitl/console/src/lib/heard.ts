/** What of a sentence the caller heard, and what the barge-in cut off. */

export interface HeardSplit {
  readonly heard: string;
  readonly unheard: string;
}

/**
 * Split `text` by `heard`, what the caller really heard of it (null while it still plays: nothing
 * is known to be unheard yet). Spacing and case may differ between the two; words count.
 */
export function splitHeard(text: string, heard: string | null): HeardSplit {
  if (heard === null) {
    return { heard: text, unheard: '' };
  }
  const count = heard.split(/\s+/).filter((word) => word !== '').length;
  const pieces = text.match(/\s*\S+/g) ?? [];
  return { heard: pieces.slice(0, count).join(''), unheard: pieces.slice(count).join('') };
}
