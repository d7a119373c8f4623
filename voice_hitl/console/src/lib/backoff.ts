/** How long to wait before another try at a connection. */

const FIRST_MS = 250;
const MAX_MS = 8000;

/**
 * Milliseconds before try `attempt` (0 is the first again): doubling from a quarter of a second to
 * eight seconds, less up to a quarter by chance, so that a restarted server is not met by all
 * consoles at once. `chance` is in [0, 1).
 */
export function backoff(attempt: number, chance: number = Math.random()): number {
  return Math.min(MAX_MS, FIRST_MS * 2 ** attempt) * (1 - chance / 4);
}
