/** Which microphone and loudspeaker, how loud the ring, and whether it all works. */

import { Button, NativeSelect, Slider } from '@mantine/core';
import { useEffect, useState } from 'react';
import { listDevices, loadChoice, saveChoice, type SoundChoice } from '../../audio/devices';
import { unlock } from '../../audio/engine';
import { decibels, meterPosition } from '../../audio/level';
import { Microphone, MicrophoneError, type MicrophoneFault } from '../../audio/microphone';
import { MICROPHONE_HELP } from '../../audio/microphone-help';
import { ring } from '../../audio/ring';
import { canChooseSpeaker, routeToChosenSpeaker } from '../../audio/speaker';
import type { Levels } from '../../audio/talk';
import { useDesk } from '../../desk-context';
import { Observable } from '../../lib/observable';
import { MicrophoneIcon } from '../../ui/icons';
import { LevelMeter } from './LevelMeter';
import styles from './SoundSettings.module.css';

interface Devices {
  readonly microphones: readonly MediaDeviceInfo[];
  readonly speakers: readonly MediaDeviceInfo[];
}

export function SoundSettings() {
  const desk = useDesk();
  const [choice, setChoice] = useState(loadChoice);
  const [devices, setDevices] = useState<Devices>({ microphones: [], speakers: [] });
  const { levels, fault } = useRehearsal(choice.microphone, setDevices);

  const choose = (change: Partial<SoundChoice>): void => {
    const next = { ...choice, ...change };
    setChoice(next);
    saveChoice(next);
    if (change.microphone !== undefined) {
      desk.talk.get()?.retryMicrophone();
    }
    if (change.speaker !== undefined) {
      void routeToChosenSpeaker();
    }
  };

  return (
    <div className={styles.settings}>
      <div>
        <NativeSelect
          label="Microphone"
          value={choice.microphone}
          onChange={(event) => choose({ microphone: event.currentTarget.value })}
          data={options(devices.microphones)}
        />
        {fault === null ? (
          <div className={styles.level}>
            <LevelMeter
              levels={levels}
              side="microphone"
              label="Microphone level"
              icon={<MicrophoneIcon size={16} />}
              off={false}
            />
            <span className={styles.hint}>Say something.</span>
          </div>
        ) : (
          <p className={styles.fault} role="alert">
            <strong>{MICROPHONE_HELP[fault].title}.</strong> {MICROPHONE_HELP[fault].text}
          </p>
        )}
      </div>
      {canChooseSpeaker() && (
        <NativeSelect
          label="Loudspeaker"
          value={choice.speaker}
          onChange={(event) => choose({ speaker: event.currentTarget.value })}
          data={options(devices.speakers)}
        />
      )}
      <div>
        <div className={styles.ringHead}>
          <span id="ring-volume">Ring volume</span>
          <Button size="compact-sm" variant="default" onClick={() => void tryRing()}>
            Try it
          </Button>
        </div>
        <Slider
          thumbProps={{ 'aria-labelledby': 'ring-volume' }}
          min={0}
          max={100}
          label={null}
          value={Math.round(100 * choice.ringVolume)}
          onChange={(value) => choose({ ringVolume: value / 100 })}
        />
      </div>
    </div>
  );
}

function options(devices: readonly MediaDeviceInfo[]): { value: string; label: string }[] {
  return [
    { value: '', label: 'System default' },
    ...devices.map((device) => ({ value: device.deviceId, label: device.label })),
  ];
}

async function tryRing(): Promise<void> {
  await unlock();
  ring(1);
}

interface Rehearsal {
  readonly levels: Observable<Levels>;
  readonly fault: MicrophoneFault | null;
}

/** The chosen microphone, open while the settings are; device names are known once it is. */
function useRehearsal(chosen: string, onDevices: (devices: Devices) => void): Rehearsal {
  const [levels] = useState(() => new Observable<Levels>({ microphone: 0, caller: 0 }));
  const [fault, setFault] = useState<MicrophoneFault | null>(null);
  useEffect(() => {
    let over = false;
    let opened: Microphone | null = null;
    const rehearse = async (): Promise<void> => {
      try {
        const microphone = await Microphone.open();
        if (over) {
          microphone.close();
          return;
        }
        opened = microphone;
        setFault(null);
        microphone.onFrame = (samples) =>
          levels.set({ microphone: meterPosition(decibels(samples)), caller: 0 });
        onDevices(await listDevices());
      } catch (error) {
        setFault(error instanceof MicrophoneError ? error.fault : 'failed');
      }
    };
    void rehearse();
    return () => {
      over = true;
      opened?.close();
    };
  }, [chosen, levels, onDevices]);
  return { levels, fault };
}
