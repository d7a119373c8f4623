/** The page's one AudioContext, with both worklets loaded. */

import { Observable } from '../lib/observable';
import captureUrl from './capture.worklet.ts?worker&url';
import playbackUrl from './playback.worklet.ts?worker&url';

export interface Engine {
  readonly context: AudioContext;
  /** Settles when both worklets can be used. */
  readonly ready: Promise<void>;
}

const STARTING_MS = 500;

let engine: Engine | null = null;

/** Whether sound comes out: browsers keep a page silent until the person has touched it. */
export const audible = new Observable(true);

/** The engine, made on first use. */
export function audioEngine(): Engine {
  if (engine === null) {
    const context = new AudioContext({ latencyHint: 'interactive' });
    const watch = (): void => audible.set(context.state === 'running');
    context.addEventListener('statechange', watch);
    // A context that may sound needs a moment to start.
    window.setTimeout(watch, STARTING_MS);
    const modules = [captureUrl, playbackUrl].map((url) => context.audioWorklet.addModule(url));
    engine = { context, ready: Promise.all(modules).then(() => undefined) };
  }
  return engine;
}

/** Let sound out; call it from a click or a key press. */
export async function unlock(): Promise<void> {
  const { context } = audioEngine();
  if (context.state !== 'running') {
    await context.resume();
  }
}
