/** What is said, line by line; stays at the end unless the reader scrolls up. */

import { Button } from '@mantine/core';
import { useLayoutEffect, useRef, useState } from 'react';
import { useDesk, useFloor } from '../../desk-context';
import { DownIcon } from '../../ui/icons';
import type { CallView, TranscriptEntry } from '../../wire';
import styles from './Transcript.module.css';
import { TranscriptLine } from './TranscriptLine';

const NONE: readonly TranscriptEntry[] = [];
/** Closer to the end than this counts as reading along, pixels. */
const NEAR_END = 48;

export function Transcript({ call }: { readonly call: CallView }) {
  const entries = useFloor((floor) => floor.transcripts[call.call_id] ?? NONE);
  const bridged = useFloor((floor) => floor.bridge?.callId === call.call_id);
  const scroll = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const desk = useDesk();
  const cut = useFloor((floor) => floor.cut.includes(call.call_id));
  const first = entries[0]?.seq;
  const read = useRef<{ first: number | undefined; height: number }>({ first, height: 0 });

  useLayoutEffect(() => {
    if (following) {
      scroll.current?.scrollTo({ top: scroll.current.scrollHeight });
    }
  }, [entries, following]);

  // Lines that come in above must not move what is being read.
  useLayoutEffect(() => {
    const box = scroll.current;
    if (box !== null) {
      const { first: former, height } = read.current;
      if (!following && former !== undefined && first !== undefined && first < former) {
        box.scrollTop += box.scrollHeight - height;
      }
      read.current = { first, height: box.scrollHeight };
    }
  }, [entries, first, following]);

  const onScroll = (): void => {
    const box = scroll.current;
    if (box !== null) {
      setFollowing(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END);
    }
  };

  return (
    <div className={styles.frame}>
      {/* Focusable, so that the keyboard can scroll it. */}
      <div
        ref={scroll}
        className={styles.scroll}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label="Transcript"
        tabIndex={0}
      >
        {cut && (
          <Button
            className={styles.earlier}
            size="compact-sm"
            variant="default"
            onClick={() => {
              setFollowing(false);
              desk.earlier(call.call_id);
            }}
          >
            Earlier lines
          </Button>
        )}
        {entries.length === 0 ? (
          <p className={styles.none}>Nothing has been said yet.</p>
        ) : (
          <ol className={styles.lines}>
            {entries.map((entry, n) => (
              <TranscriptLine
                key={entry.seq}
                entry={entry}
                operator={bridged ? 'You' : (call.operator_name ?? 'Operator')}
                startedAt={call.started_at}
                again={entries[n - 1]?.role === entry.role}
              />
            ))}
          </ol>
        )}
      </div>
      {!following && (
        <Button
          className={styles.jump}
          size="compact-sm"
          variant="default"
          leftSection={<DownIcon size={14} />}
          onClick={() => setFollowing(true)}
        >
          Latest
        </Button>
      )}
    </div>
  );
}
