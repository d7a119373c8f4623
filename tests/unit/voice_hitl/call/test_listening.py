from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import virtual
from voice_hitl.audio.endpoint import SpeechPaused, SpeechResumed, SpeechStarted
from voice_hitl.call.inbox import (
    FinalCame,
    InboxEvent,
    PartialCame,
    RecognitionFailed,
    SpeechBegan,
    SpeechStopped,
    SpeechWentOn,
)
from voice_hitl.call.listening import Listener
from voice_hitl.errors import RecognizerLost
from voice_hitl.language import Expectation, Hypothesis
from voice_hitl.speech.protocols import Pcm

SECOND = np.zeros(8000, np.int16)


@dataclass
class Lease:
    """One lease of a decoder, which must be given back exactly once."""

    number: int
    on_partial: Callable[[Hypothesis], None]
    expectation: Expectation
    seconds: float
    lost: bool
    fed: int = 0
    feeds: int = 0
    last: Pcm = field(default_factory=lambda: SECOND)
    held: bool = True

    def feed(self, pcm: Pcm) -> None:
        assert self.held, "fed after it was given back"
        self.fed += len(pcm)
        self.feeds += 1
        self.last = pcm

    async def finish(self) -> Hypothesis:
        await asyncio.sleep(self.seconds)
        self.held = False
        if self.lost:
            raise RecognizerLost("the worker died twice")
        return Hypothesis(f"utterance {self.number}", final=True)

    def cancel(self) -> None:
        self.held = False


@dataclass
class Decoders:
    """A recognizer that takes `seconds` to finish."""

    name: str = "test"
    seconds: float = 0.05
    lost: bool = False
    leases: list[Lease] = field(default_factory=list)

    def open(
        self,
        on_partial: Callable[[Hypothesis], None],
        expectation: Expectation = Expectation(),
        memory: object = None,
    ) -> Lease:
        lease = Lease(len(self.leases) + 1, on_partial, expectation, self.seconds, self.lost)
        self.leases.append(lease)
        return lease

    async def aclose(self) -> None:
        pass

    @property
    def held(self) -> list[int]:
        return [lease.number for lease in self.leases if lease.held]


@dataclass
class Ear:
    """A listener with what it posted; audio time 0 is monotonic second 500."""

    decoders: Decoders = field(default_factory=Decoders)
    posted: list[InboxEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = Listener(self.decoders, self.posted.append, lambda at: 500.0 + at)

    def hears(self, *, at: float = 1.0, seconds: int = 1) -> Lease:
        """The caller speaks; the turn is not closed yet."""
        self.listener.on_event(SpeechStarted(at))
        for _ in range(seconds):
            self.listener.on_audio(SECOND)
        return self.decoders.leases[-1]

    def take(self) -> list[InboxEvent]:
        posted, self.posted[:] = list(self.posted), []
        return posted


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_speech_events_are_told_on_the_servers_clock(ear: Ear) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as ear.listener.tasks:
            ear.listener.on_event(SpeechStarted(1.0))
            ear.listener.on_event(SpeechPaused(2.5))
            ear.listener.on_event(SpeechResumed(2.7))
            ear.listener.abandon()
        assert ear.take() == [SpeechBegan(501.0), SpeechStopped(502.5), SpeechWentOn()]

    virtual.run(main())


def test_a_pause_has_its_transcript_made_before_the_turn_closes(ear: Ear) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as ear.listener.tasks:
            ear.hears()
            ear.listener.on_event(SpeechPaused(2.0))
            await asyncio.sleep(0.1)
            assert not any(isinstance(event, FinalCame) for event in ear.take())
            ear.listener.close()
            assert [type(event) for event in ear.take()] == [FinalCame]

    virtual.run(main())


def test_what_is_heard_again_is_fed_in_few_pieces(ear: Ear) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as ear.listener.tasks:
            ear.listener.on_event(SpeechStarted(1.0))
            for number in range(1450):
                ear.listener.on_audio(np.full(160, number, np.int16))
            ear.listener.on_event(SpeechPaused(30.0))
            ear.listener.on_event(SpeechResumed(30.1))
            again = ear.decoders.leases[-1]
            assert (again.fed, again.feeds) == (1450 * 160, 145)
            assert again.last[-1] == 1449
            ear.listener.abandon()

    virtual.run(main())


@pytest.mark.parametrize("paused_for", [0.0, 0.02, 0.2])
def test_a_caller_who_goes_on_is_heard_again_from_the_beginning(
    ear: Ear, paused_for: float
) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as ear.listener.tasks:
            first = ear.hears(seconds=2)
            ear.listener.on_event(SpeechPaused(2.0))
            ear.listener.on_audio(SECOND)
            await asyncio.sleep(paused_for)
            ear.listener.on_event(SpeechResumed(2.5))
            ear.listener.on_audio(SECOND)
            again = ear.decoders.leases[-1]
            assert (again is first, again.fed) == (False, 4 * 8000)
            ear.listener.close()
        finals = [event for event in ear.take() if isinstance(event, FinalCame)]
        assert finals == [FinalCame(1, Hypothesis("utterance 2", final=True), 4.0)]
        assert ear.decoders.held == []

    virtual.run(main())


def test_a_decoder_is_leased_only_while_the_caller_speaks(ear: Ear) -> None:
    ear.listener.on_audio(SECOND)  # silence before the first word
    assert ear.decoders.leases == []
    lease = ear.hears(seconds=2)
    assert (lease.held, lease.fed) == (True, 16000)
    ear.listener.drop()
    ear.listener.drop()
    assert not lease.held
    ear.listener.on_audio(SECOND)
    assert lease.fed == 16000


def test_the_agents_expectation_is_passed_on(ear: Ear) -> None:
    ear.listener.expectation = Expectation(("yes", "no"))
    assert ear.hears().expectation == Expectation(("yes", "no"))


def test_speech_that_starts_anew_gives_the_former_decoder_back(ear: Ear) -> None:
    first = ear.hears()
    second = ear.hears(at=5.0)
    assert (first.held, second.held) == (False, True)
    assert ear.listener.number == 2


def test_a_closed_utterance_becomes_a_transcript_with_its_length(ear: Ear) -> None:
    async def main() -> None:
        ear.hears(seconds=3)
        ear.take()
        async with asyncio.TaskGroup() as ear.listener.tasks:
            ear.listener.close()
            ear.listener.close()  # nothing is open any more
        assert ear.take() == [FinalCame(1, Hypothesis("utterance 1", final=True), 3.0)]
        assert ear.decoders.held == []

    virtual.run(main())


def test_a_lost_decoder_is_told_as_a_failure_of_that_utterance(ear: Ear) -> None:
    async def main() -> None:
        ear.decoders.lost = True
        ear.hears()
        ear.take()
        async with asyncio.TaskGroup() as ear.listener.tasks:
            ear.listener.close()
        assert ear.take() == [RecognitionFailed(1, "the worker died twice")]
        assert ear.decoders.held == []

    virtual.run(main())


def test_partials_count_only_while_their_utterance_is_open(ear: Ear) -> None:
    async def main() -> None:
        first = ear.hears()
        ear.take()
        first.on_partial(Hypothesis("my"))
        assert ear.take() == [PartialCame(1, Hypothesis("my"))]
        async with asyncio.TaskGroup() as ear.listener.tasks:
            ear.listener.close()
            first.on_partial(Hypothesis("my late"))
            second = ear.hears(at=4.0)
            ear.take()
            first.on_partial(Hypothesis("my later"))
            second.on_partial(Hypothesis("next"))
            assert ear.take() == [PartialCame(2, Hypothesis("next"))]
            ear.listener.drop()
        assert [type(event) for event in ear.take()] == [FinalCame]

    virtual.run(main())


def test_two_utterances_may_be_finished_at_once(ear: Ear) -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as ear.listener.tasks:
            for at in (1.0, 2.0):
                ear.hears(at=at)
                ear.listener.close()
        finals = [event.utterance for event in ear.take() if isinstance(event, FinalCame)]
        assert finals == [1, 2]

    virtual.run(main())


@pytest.mark.parametrize("under_way", [False, True])
def test_the_end_of_a_call_waits_for_no_transcript_and_keeps_no_decoder(
    ear: Ear, under_way: bool
) -> None:
    """Also when the call ends in the very step in which the utterance was closed."""

    async def main() -> None:
        ear.decoders.seconds = 60.0
        start = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as ear.listener.tasks:
            ear.hears()
            ear.listener.close()
            if under_way:
                await asyncio.sleep(0.01)
            ear.listener.abandon()
        assert asyncio.get_running_loop().time() - start < 1.0
        assert ear.decoders.held == []
        assert not any(isinstance(event, FinalCame) for event in ear.take())

    virtual.run(main())


def test_a_broken_call_keeps_no_decoder_either(ear: Ear) -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as ear.listener.tasks:
                ear.hears()
                ear.listener.close()
                raise ZeroDivisionError("the owner broke")
        assert ear.decoders.held == []

    virtual.run(main())


steps = st.sampled_from(["speech", "audio", "pause", "resume", "close", "drop", "wait"])


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=30), st.booleans())
def test_whatever_the_caller_does_every_decoder_is_given_back(
    happens: list[str], abandoned: bool
) -> None:
    async def main() -> None:
        ear = Ear()
        closed: list[int] = []
        open_number = 0  # the utterance that a close would end
        async with asyncio.TaskGroup() as ear.listener.tasks:
            for step in happens:
                match step:
                    case "speech":
                        ear.hears()
                        open_number = ear.listener.number
                    case "audio":
                        ear.listener.on_audio(SECOND)
                    case "pause":
                        ear.listener.on_event(SpeechPaused(2.0))
                    case "resume":
                        ear.listener.on_event(SpeechResumed(2.5))
                    case "close":
                        if open_number:
                            closed.append(open_number)
                        open_number = 0
                        ear.listener.close()
                    case "drop":
                        open_number = 0
                        ear.listener.drop()
                    case "wait":
                        await asyncio.sleep(0.02)
            if abandoned:
                ear.listener.abandon()
            ear.listener.drop()
        assert ear.decoders.held == []
        finals = [event.utterance for event in ear.take() if isinstance(event, FinalCame)]
        assert len(finals) == len(set(finals))
        assert set(finals) <= set(closed)
        if not abandoned:
            assert set(finals) == set(closed)

    virtual.run(main())
