/** Parallel review: decide a turn without knowing what the AI chose, then compare. */

import { Button, NativeSelect, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useDesk, useFloor } from '../../desk-context';
import type { Review } from '../../state/floor';
import type { ChoiceView, ReviewRevealed, ReviewView } from '../../wire';
import { CountdownRing } from '../offer/CountdownRing';
import part from './Part.module.css';
import styles from './Reviews.module.css';

const LONGEST = 500;

export function Reviews() {
  const reviews = useFloor((floor) => floor.reviews);
  return (
    <div className={part.column}>
      <p className={part.intro}>
        What would you do? You learn what the AI chose only after you have said it.
      </p>
      {reviews.length === 0 && <p>Nothing to review now. New ones appear here by themselves.</p>}
      {reviews.map((review) => (
        <OneReview key={review.id} review={review} />
      ))}
    </div>
  );
}

function OneReview({ review }: { readonly review: Review }) {
  const desk = useDesk();
  const { view, revealed } = review;
  const timer = revealed ?? view;
  return (
    <article className={part.card} aria-label="A caller's turn">
      <div className={part.head}>
        {timer !== null && <CountdownRing timer={timer} now={() => desk.now()} size="small" />}
        <ul className={part.lines}>
          {(view?.question ?? 'You chose before this page was loaded.').split('\n').map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </div>
      {revealed === null && view !== null && <Choose view={view} />}
      {revealed !== null && <Compare revealed={revealed} />}
    </article>
  );
}

function Choose({ view }: { readonly view: ReviewView }) {
  const desk = useDesk();
  const [intent, setIntent] = useState('');
  const [text, setText] = useState('');
  const [sent, setSent] = useState(false);
  const missing = intent === '' && text.trim() === '';
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        setSent(true);
        desk.choose(view.review_id, intent === '' ? null : intent, text.trim());
      }}
    >
      <NativeSelect
        label="What does the caller come for?"
        value={intent}
        onChange={(event) => setIntent(event.currentTarget.value)}
        data={[
          { value: '', label: 'None of these' },
          ...view.choices.map((choice) => ({ value: choice.intent, label: choice.label })),
        ]}
      />
      <Textarea
        label="What would you say or do?"
        description={intent === '' ? 'Needed where none of the choices fits' : 'Optional'}
        rows={2}
        maxLength={LONGEST}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <div className={part.actions}>
        <Button type="submit" className={part.end} disabled={missing} loading={sent}>
          This is my choice
        </Button>
      </div>
    </form>
  );
}

function Compare({ revealed }: { readonly revealed: ReviewRevealed }) {
  const desk = useDesk();
  const { review_id: id, ai, mine } = revealed;
  return (
    <>
      <dl className={styles.pair}>
        <Choice who="You" choice={mine} />
        <Choice who="The AI" choice={ai} />
      </dl>
      <div className={part.actions} role="group" aria-label="Do the two come to the same?">
        <span className={styles.question}>Do the two come to the same?</span>
        <Button variant="default" className={part.end} onClick={() => desk.compare(id, false)}>
          Different
        </Button>
        <Button onClick={() => desk.compare(id, true)}>The same</Button>
      </div>
    </>
  );
}

function Choice({ who, choice }: { readonly who: string; readonly choice: ChoiceView }) {
  return (
    <div>
      <dt className="label">{who}</dt>
      <dd>
        <strong>{choice.intent === null ? 'Something else' : choice.label}</strong>
        {choice.text !== '' && <p>{choice.text}</p>}
      </dd>
    </div>
  );
}
