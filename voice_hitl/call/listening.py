"""The caller's side of the line: from speech events and frames to utterances and transcripts.

A pause may be the end of the turn, so the transcript is made at once, while the turn-taking still waits
for the caller to go on. If they do, that transcript is thrown away and a decoder hears the turn again from
its first sample, which takes a fraction of the time it took to say, and listens on. So what belongs together
is recognized together, and a turn that closes usually has its transcript already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voice_hitl.audio.endpoint import SpeechEvent, SpeechPaused, SpeechResumed, SpeechStarted
from voice_hitl.call.inbox import (
    FinalCame,
    InboxEvent,
    PartialCame,
    RecognitionFailed,
    SpeechBegan,
    SpeechStopped,
    SpeechWentOn,
)
from voice_hitl.errors import RecognizerLost
from voice_hitl.language import Expectation, Hypothesis
from voice_hitl.speech.protocols import Pcm, Recognizer, SpeakerMemory, Utterance

SAMPLE_RATE = 8000
PIECE = (
    1600  # samples fed at once of what is heard again: few calls, and pauses are still found in it
)
NO_SOUND = np.zeros(0, np.int16)


@dataclass(slots=True, eq=False)
class _Take:
    """The transcript of an utterance in the making."""

    utterance: Utterance
    wanted: bool = False  # the turn has closed: post the transcript as soon as it is there
    outcome: FinalCame | RecognitionFailed | None = None
    task: asyncio.Task[None] | None = None


class Listener:
    """Leases a decoder whenever the caller speaks and posts what comes of it.

    `since(at)` maps a moment of the stream's audio clock to monotonic seconds. `tasks` must be set before
    the first speech event.
    """

    tasks: asyncio.TaskGroup

    def __init__(
        self,
        recognizer: Recognizer,
        post: Callable[[InboxEvent], None],
        since: Callable[[float], float],
    ) -> None:
        self.expectation = Expectation()
        self.awaits_keys = False  # the agent waits for a number that may be keyed in
        self._speaker = SpeakerMemory()
        self._recognizer = recognizer
        self._post = post
        self._since = since
        self._number = 0
        self._open: Utterance | None = None
        self._take: _Take | None = None  # of a pause that may be the end of the turn
        self._audio: list[Pcm] = []  # of the present utterance, from its first sample
        self._wanted: set[_Take] = set()

    @property
    def number(self) -> int:
        """The number of the latest utterance; 0 before the first."""
        return self._number

    def on_event(self, event: SpeechEvent) -> None:
        """A speech event of the ingress, in the reader task."""
        match event:
            case SpeechStarted(at=at):
                self.drop()
                self._number += 1
                self._audio = []
                self._lease()
                self._post(SpeechBegan(self._since(at)))
            case SpeechPaused(at=at):
                self._settle()
                self._post(SpeechStopped(self._since(at)))
            case SpeechResumed():
                self._listen_on()
                self._post(SpeechWentOn())

    def on_audio(self, pcm: Pcm) -> None:
        """Samples of the present utterance, pre-roll first, in the reader task."""
        self._audio.append(pcm)
        if self._open is not None:
            self._open.feed(pcm)

    def close(self) -> None:
        """The turn has closed: post its transcript when it is there."""
        self._settle()
        take, self._take = self._take, None
        if take is None:
            return
        take.wanted = True
        if take.outcome is not None:
            self._post(take.outcome)
        else:
            self._wanted.add(take)

    def drop(self) -> None:
        """What was said since the last closed turn does not count: give the decoder back."""
        utterance, self._open = self._open, None
        if utterance is not None:
            utterance.cancel()
        take, self._take = self._take, None
        if take is not None:
            _cancel(take)

    def abandon(self) -> None:
        """The call is over: wait for no transcript any more."""
        self.drop()
        for take in list(self._wanted):
            _cancel(take)

    def _lease(self) -> None:
        number = self._number
        self._open = self._recognizer.open(
            lambda hypothesis: self._partial(number, hypothesis), self.expectation, self._speaker
        )

    def _settle(self) -> None:
        """Let the open utterance be finished."""
        utterance, self._open = self._open, None
        if utterance is None:
            return
        seconds = sum(map(len, self._audio)) / SAMPLE_RATE
        take = self._take = _Take(utterance)
        take.task = self.tasks.create_task(self._finish(take, self._number, seconds))
        take.task.add_done_callback(lambda task: self._finished(task, take))

    def _listen_on(self) -> None:
        """The caller went on: hear the utterance again from its beginning."""
        if self._take is None:
            return
        self.drop()
        self._lease()
        assert self._open is not None
        heard = np.concatenate(self._audio) if self._audio else NO_SOUND
        for start in range(0, len(heard), PIECE):
            self._open.feed(heard[start : start + PIECE])

    async def _finish(self, take: _Take, number: int, seconds: float) -> None:
        try:
            hypothesis = await take.utterance.finish()
        except RecognizerLost as error:
            take.outcome = RecognitionFailed(number, str(error))
        else:
            take.outcome = FinalCame(number, hypothesis, seconds)
        if take.wanted:
            self._post(take.outcome)

    def _finished(self, task: asyncio.Task[None], take: _Take) -> None:
        self._wanted.discard(take)
        take.task = None  # a cancelled task holds the frame that holds the take
        if task.cancelled():
            take.utterance.cancel()  # here, because a task may be cancelled before its first step

    def _partial(self, number: int, hypothesis: Hypothesis) -> None:
        if number == self._number and self._open is not None:
            self._post(PartialCame(number, hypothesis))


def _cancel(take: _Take) -> None:
    if take.task is not None:
        take.task.cancel()
