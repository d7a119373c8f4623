/** How numbers, times and identifiers read on the screen. */

/** Seconds as `m:ss`, or `h:mm:ss` from an hour on; never negative. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0
    ? `${hours}:${pad(minutes % 60)}:${pad(whole % 60)}`
    : `${minutes}:${pad(whole % 60)}`;
}

/** How long ago something was, roughly. */
export function ago(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return minutes < 1 ? 'just now' : minutes < 60 ? `${minutes} min ago` : 'over an hour ago';
}

/** A probability as a whole per cent, without the sign. */
export function percent(probability: number): string {
  return String(Math.round(100 * probability));
}

/** A figure with its unit: shares as per cent, seconds to a tenth, scores to three places. */
export function figure(value: number, unit: 'share' | 'seconds' | 'score'): string {
  switch (unit) {
    case 'share':
      return `${(100 * value).toFixed(1)} %`;
    case 'seconds':
      return `${value.toFixed(1)} s`;
    case 'score':
      return value.toFixed(3);
  }
}

/** `lost_card` as `Lost card`. */
export function words(identifier: string): string {
  const spaced = identifier.replace(/[_-]+/g, ' ').trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Letters for an avatar: `Dana Okafor` is DO. */
export function initials(name: string): string {
  const parts = name.split(/\s+/).filter((part) => part !== '');
  const letters = [parts[0], parts.length > 1 ? parts.at(-1) : undefined].map((p) => p?.[0] ?? '');
  return letters.join('').toUpperCase();
}
