"""The caller's side of the line: from speech events and frames to utterances and transcripts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

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


class Listener:
    """Leases a decoder whenever the caller speaks and posts what comes of it.

    `since(at)` maps a moment of the stream's audio clock to monotonic seconds.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        post: Callable[[InboxEvent], None],
        since: Callable[[float], float],
    ) -> None:
        self.expectation = Expectation()
        self._speaker = SpeakerMemory()
        self._recognizer = recognizer
        self._post = post
        self._since = since
        self._number = 0
        self._open: Utterance | None = None
        self._fed = 0
        self._finishing: set[asyncio.Task[None]] = set()

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
                number = self._number
                self._fed = 0
                self._open = self._recognizer.open(
                    lambda hypothesis: self._partial(number, hypothesis),
                    self.expectation,
                    self._speaker,
                )
                self._post(SpeechBegan(self._since(at)))
            case SpeechPaused(at=at):
                self._post(SpeechStopped(self._since(at)))
            case SpeechResumed():
                self._post(SpeechWentOn())

    def on_audio(self, pcm: Pcm) -> None:
        """Samples of the open utterance, pre-roll first, in the reader task."""
        if self._open is not None:
            self._fed += len(pcm)
            self._open.feed(pcm)

    def close(self, tasks: asyncio.TaskGroup) -> None:
        """End the open utterance and post its transcript when it is there."""
        utterance, self._open = self._open, None
        if utterance is not None:
            task = tasks.create_task(self._finish(self._number, utterance, self._fed / SAMPLE_RATE))
            self._finishing.add(task)
            task.add_done_callback(lambda done: self._finished(done, utterance))

    def drop(self) -> None:
        """Give the decoder back without a result."""
        utterance, self._open = self._open, None
        if utterance is not None:
            utterance.cancel()

    def abandon(self) -> None:
        """The call is over: wait for no transcript any more."""
        for task in self._finishing:
            task.cancel()

    async def _finish(self, number: int, utterance: Utterance, seconds: float) -> None:
        try:
            hypothesis = await utterance.finish()
        except RecognizerLost as error:
            self._post(RecognitionFailed(number, str(error)))
        else:
            self._post(FinalCame(number, hypothesis, seconds))

    def _finished(self, task: asyncio.Task[None], utterance: Utterance) -> None:
        self._finishing.discard(task)
        if task.cancelled():
            utterance.cancel()  # here, because a task may be cancelled before its first step

    def _partial(self, number: int, hypothesis: Hypothesis) -> None:
        if number == self._number and self._open is not None:
            self._post(PartialCame(number, hypothesis))
