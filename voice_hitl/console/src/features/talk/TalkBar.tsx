/** The conversation at hand: levels, mute, hand back, end. */

import { Button } from '@mantine/core';
import { useState } from 'react';
import { unlock, audible } from '../../audio/engine';
import { MICROPHONE_HELP } from '../../audio/microphone-help';
import type { Talk, TalkState } from '../../audio/talk';
import { useDesk, useFloor, useServerNow } from '../../desk-context';
import { clock } from '../../lib/format';
import { useObservable } from '../../lib/observable';
import type { Bridge } from '../../state/floor';
import {
  AlertIcon,
  HandBackIcon,
  HangUpIcon,
  MicrophoneIcon,
  MutedIcon,
  SpeakerIcon,
} from '../../ui/icons';
import { useShortcut } from '../help/use-shortcut';
import { EndCallDialog } from './EndCallDialog';
import { HandBackDialog } from './HandBackDialog';
import { LevelMeter } from './LevelMeter';
import styles from './TalkBar.module.css';

export function TalkBar() {
  const desk = useDesk();
  const bridge = useFloor((floor) => floor.bridge);
  const talk = useObservable(desk.talk, (value) => value);
  if (bridge === null) {
    return null;
  }
  return talk === null ? <Elsewhere bridge={bridge} /> : <Here bridge={bridge} talk={talk} />;
}

/** Another tab of this operator talks; this one takes over when that is closed. */
function Elsewhere({ bridge }: { readonly bridge: Bridge }) {
  return (
    <section className={styles.bar} aria-label="Your call">
      <CallTime bridge={bridge} note="You are talking in another window." />
    </section>
  );
}

interface HereProps {
  readonly bridge: Bridge;
  readonly talk: Talk;
}

function Here({ bridge, talk }: HereProps) {
  const desk = useDesk();
  const state = useObservable(talk.state, (value) => value);
  const connected = useFloor((floor) => floor.link.status === 'open');
  const [dialog, setDialog] = useState<'hand_back' | 'end' | null>(null);
  const canMute = state.microphone === 'live';

  useShortcut('m', () => canMute && talk.mute(!state.muted));
  useShortcut('h', () => connected && setDialog('hand_back'));
  useShortcut('e', () => connected && setDialog('end'));

  return (
    <section className={styles.bar} aria-label="Your call">
      <Trouble talk={talk} state={state} />
      <div className={styles.row}>
        <CallTime bridge={bridge} note={linkWords(state)} />
        <div className={styles.meters}>
          <LevelMeter
            levels={talk.levels}
            side="microphone"
            label={state.muted ? 'You are muted' : 'You'}
            icon={state.muted ? <MutedIcon size={16} /> : <MicrophoneIcon size={16} />}
            off={state.muted || state.microphone !== 'live'}
          />
          <LevelMeter
            levels={talk.levels}
            side="caller"
            label="Caller"
            icon={<SpeakerIcon size={16} />}
            off={state.link !== 'open'}
          />
        </div>
        <div className={styles.actions}>
          <Button
            variant={state.muted ? 'filled' : 'default'}
            color="ink"
            aria-pressed={state.muted}
            disabled={!canMute}
            leftSection={state.muted ? <MutedIcon size={16} /> : <MicrophoneIcon size={16} />}
            onClick={() => talk.mute(!state.muted)}
          >
            {state.muted ? 'Unmute' : 'Mute'}
          </Button>
          <Button
            variant="default"
            leftSection={<HandBackIcon size={16} />}
            disabled={!connected}
            onClick={() => setDialog('hand_back')}
          >
            Hand back to AI
          </Button>
          <Button
            color="brick"
            leftSection={<HangUpIcon size={16} />}
            disabled={!connected}
            onClick={() => setDialog('end')}
          >
            End call
          </Button>
        </div>
      </div>
      <HandBackDialog
        opened={dialog === 'hand_back'}
        onClose={() => setDialog(null)}
        onHandBack={(note) => {
          setDialog(null);
          desk.handBack(note);
        }}
      />
      <EndCallDialog
        opened={dialog === 'end'}
        onClose={() => setDialog(null)}
        onEnd={() => {
          setDialog(null);
          desk.endCall();
        }}
      />
    </section>
  );
}

function linkWords(state: TalkState): string {
  switch (state.link) {
    case 'opening':
      return 'Connecting the sound…';
    case 'lost':
      return 'Sound lost. Reconnecting…';
    case 'open':
      return state.microphone === 'live'
        ? state.muted
          ? 'The caller cannot hear you.'
          : 'You are talking with the caller.'
        : 'You hear the caller.';
  }
}

interface CallTimeProps {
  readonly bridge: Bridge;
  readonly note: string;
}

function CallTime({ bridge, note }: CallTimeProps) {
  const desk = useDesk();
  const now = useServerNow();
  const caller = useFloor((floor) => floor.calls[bridge.callId]?.caller ?? 'The caller');
  const shown = useFloor((floor) => floor.selected === bridge.callId);
  return (
    <div className={styles.call}>
      <span className={styles.dot} />
      <div className={styles.words}>
        <span className={styles.title}>
          {shown ? (
            <span className="number">{caller}</span>
          ) : (
            <button
              type="button"
              className={`${styles.show} number`}
              onClick={() => desk.select(bridge.callId)}
            >
              {caller}
            </button>
          )}
          <span className={`${styles.elapsed} number`} role="timer">
            {clock(now - bridge.since)}
          </span>
        </span>
        <span className={styles.note} role="status">
          {note}
        </span>
      </div>
    </div>
  );
}

interface TroubleProps {
  readonly talk: Talk;
  readonly state: TalkState;
}

/** What keeps the operator from being heard or hearing, and how to mend it. */
function Trouble({ talk, state }: TroubleProps) {
  const heard = useObservable(audible, (value) => value);
  if (!heard) {
    return (
      <div className={styles.trouble} role="alert">
        <AlertIcon />
        <span>
          <strong>The browser keeps this page silent.</strong> You and the caller cannot hear each
          other yet.
        </span>
        <Button size="compact-sm" variant="default" onClick={() => void unlock()}>
          Turn on sound
        </Button>
      </div>
    );
  }
  if (state.microphone === 'live' || state.microphone === 'opening') {
    return null;
  }
  const { title, text } = MICROPHONE_HELP[state.microphone];
  return (
    <div className={styles.trouble} role="alert">
      <AlertIcon />
      <span>
        <strong>{title}.</strong> You hear the caller, but the caller cannot hear you. {text}
      </span>
      <Button size="compact-sm" variant="default" onClick={() => talk.retryMicrophone()}>
        Try again
      </Button>
    </div>
  );
}
