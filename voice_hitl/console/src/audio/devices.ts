/** Which microphone and loudspeaker this browser uses, remembered between visits. */

export interface SoundChoice {
  /** Device ids; empty is the system's default. */
  readonly microphone: string;
  readonly speaker: string;
  /** 0 to 1. */
  readonly ringVolume: number;
}

const KEY = 'voice-hitl-sound';
const DEFAULT: SoundChoice = { microphone: '', speaker: '', ringVolume: 0.6 };

/** Read what was stored; anything unusable counts as nothing. */
export function parseChoice(stored: string | null): SoundChoice {
  let value: unknown;
  try {
    value = JSON.parse(stored ?? '{}');
  } catch {
    return DEFAULT;
  }
  if (typeof value !== 'object' || value === null) {
    return DEFAULT;
  }
  const { microphone, speaker, ringVolume } = value as Record<string, unknown>;
  return {
    microphone: typeof microphone === 'string' ? microphone : DEFAULT.microphone,
    speaker: typeof speaker === 'string' ? speaker : DEFAULT.speaker,
    ringVolume:
      typeof ringVolume === 'number' && ringVolume >= 0 && ringVolume <= 1
        ? ringVolume
        : DEFAULT.ringVolume,
  };
}

export const loadChoice = (): SoundChoice => parseChoice(localStorage.getItem(KEY));

export const saveChoice = (choice: SoundChoice): void =>
  localStorage.setItem(KEY, JSON.stringify(choice));

/** The devices that can be chosen; names are there only once the microphone was allowed. */
export async function listDevices(): Promise<{
  microphones: MediaDeviceInfo[];
  speakers: MediaDeviceInfo[];
}> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const named = devices.filter((d) => d.deviceId !== '' && d.deviceId !== 'default');
  return {
    microphones: named.filter((d) => d.kind === 'audioinput'),
    speakers: named.filter((d) => d.kind === 'audiooutput'),
  };
}
