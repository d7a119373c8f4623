/** The microphone as a stream of 20 ms frames. */

import { loadChoice } from './devices';
import { audioEngine } from './engine';

export type MicrophoneFault = 'blocked' | 'missing' | 'busy' | 'insecure' | 'failed';

/** Why there is no microphone, told apart by what the person has to do about it. */
export function faultOf(error: unknown): MicrophoneFault {
  const name = error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'blocked';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

export class MicrophoneError extends Error {
  override name = 'MicrophoneError';

  constructor(readonly fault: MicrophoneFault) {
    super(`no microphone: ${fault}`);
  }
}

async function openStream(): Promise<MediaStream> {
  // Browsers hide the whole interface on pages that are neither https nor localhost.
  const media = navigator.mediaDevices as MediaDevices | undefined;
  if (media === undefined) {
    throw new MicrophoneError('insecure');
  }
  const audio: MediaTrackConstraints = {
    channelCount: 1,
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  };
  const { microphone } = loadChoice();
  if (microphone !== '') {
    audio.deviceId = { ideal: microphone };
  }
  try {
    return await media.getUserMedia({ audio });
  } catch (error) {
    throw new MicrophoneError(faultOf(error));
  }
}

export class Microphone {
  readonly #stream: MediaStream;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #node: AudioWorkletNode;
  /** Called with each frame; nobody listens at first, so a warm microphone sends nothing. */
  onFrame: ((samples: Int16Array) => void) | null = null;
  /** Called when the device was unplugged or the permission withdrawn. */
  onLost: (() => void) | null = null;

  private constructor(context: AudioContext, stream: MediaStream) {
    this.#stream = stream;
    this.#source = new MediaStreamAudioSourceNode(context, { mediaStream: stream });
    this.#node = new AudioWorkletNode(context, 'capture', {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    this.#node.port.onmessage = ({ data }: MessageEvent<Int16Array>) => this.onFrame?.(data);
    this.#source.connect(this.#node);
    for (const track of stream.getAudioTracks()) {
      track.onended = () => this.onLost?.();
    }
  }

  /** Open the chosen microphone. Throws `MicrophoneError`. */
  static async open(): Promise<Microphone> {
    const { context, ready } = audioEngine();
    const [stream] = await Promise.all([openStream(), ready]);
    return new Microphone(context, stream);
  }

  set muted(muted: boolean) {
    for (const track of this.#stream.getAudioTracks()) {
      track.enabled = !muted;
    }
  }

  close(): void {
    this.onFrame = null;
    this.onLost = null;
    this.#source.disconnect();
    this.#node.port.onmessage = null;
    this.#node.port.postMessage('end');
    for (const track of this.#stream.getTracks()) {
      track.stop();
    }
  }
}

/** Whether the microphone may be opened without asking the person. */
export async function microphoneGranted(): Promise<boolean> {
  try {
    const status = await navigator.permissions.query({ name: 'microphone' });
    return status.state === 'granted';
  } catch {
    return false; // A browser that cannot tell will ask when the call begins.
  }
}
