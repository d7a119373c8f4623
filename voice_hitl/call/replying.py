"""One turn's work beside the owner task: understand, ask whether to go on, answer, act, speak.

The task decides nothing. It posts what it finds to the call's inbox and waits for the owner's answer at
the two points where the decision core has a say: after understanding, and before each action. What moderation
does not let pass is never synthesized.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from handoff.moderation import Judgement, Route
from voice_hitl.agent.protocol import (
    Acted,
    Conversation,
    Done,
    Heard,
    Proposal,
    Sentence,
    Understanding,
    Verdict,
    Withdraws,
)
from voice_hitl.call.inbox import (
    ActedCame,
    ClipCame,
    InboxEvent,
    LineJudged,
    Overheard,
    ProposalCame,
    ReplyBroke,
    ReplyDone,
    UnderstandingCame,
)
from voice_hitl.call.masking import hidden_keys
from voice_hitl.errors import AgentError, SynthesisError
from voice_hitl.log import get_logger
from voice_hitl.speech.protocols import Synthesizer

log = get_logger(__name__)

Post = Callable[[InboxEvent], None]
Judge = Callable[[str, str], Judgement | None]
"""Moderation of a sentence, given what was said before it in the same reply; None: it is trusted."""
Item = TypeVar("Item")


@dataclass(slots=True)
class _Reply:
    """What was spoken of a reply; the safe line, which parts no leak in two, is not in it."""

    said: list[str] = field(default_factory=list)
    cut: bool = False  # the safe line was said


class Replier:
    """Runs the turns of one call, one at a time.

    An agent that reads a turn in a thread goes on with it when the turn is broken off. What it finds is told
    all the same, and until then it is asked nothing else.
    """

    def __init__(
        self,
        conversation: Conversation,
        voice: Synthesizer,
        executor: Executor,
        post: Post,
        judge: Judge,
    ) -> None:
        self._conversation = conversation
        self._voice = voice
        self._executor = executor
        self._post = post
        self._judge = judge
        self._alone = asyncio.Lock()  # held while the conversation is at work
        self._reading: asyncio.Future[Understanding] | None = None  # the last turn it was given
        self._begun: str | None = None  # the words of that turn, while they may be gone on with
        self._notes: list[str] = []  # of hand-backs that it does not know of yet

    async def answer(self, task: int, heard: Heard, safe_mode: bool) -> None:
        """Understand a turn and, if the owner agrees, answer it; ends with `ReplyDone` or `ReplyBroke`."""
        with self._telling_what_breaks(task):
            done: Done | None = None
            async with self._alone:
                heard = self._as_given(heard)
                understanding = await self._understand(task, heard)
                self._post(came := _came(task, understanding, heard))
                if await came.go:
                    done = await self._respond(task, understanding, safe_mode)
            self._post(ReplyDone(task, done))

    async def overhear(self, task: int, heard: Heard) -> None:
        """Understand what is said while a person is being called, and answer nothing."""
        found: Understanding | None = None
        try:
            async with self._alone:
                found = await self._understand(task, heard)
        except Exception:
            log.exception("what a waiting caller said was not understood", task=task)
        self._post(Overheard(task, found))

    def stands(self) -> None:
        """What the agent read last is a turn of its own, whatever the caller says from here on."""
        self._begun = None

    def handed_back(self, note: str) -> None:
        """A person has given the call back: the agent is told of it before anything else."""
        self._notes.append(note)

    async def resume(self, task: int) -> None:
        """Speak what the agent has to say to a hand-back; ends like `answer`."""
        with self._telling_what_breaks(task):
            async with self._alone:
                await self._free()
                sentences = self._take_back()
            await self.say(task, sentences, trusted=False)

    def completeness(self, partial: str) -> float | None:
        """How complete the words so far sound, in [0, 1]; None while the agent reads a turn."""
        at_work = self._reading is not None and not self._reading.done()
        return None if at_work else self._conversation.completeness(partial)

    async def say(self, task: int, sentences: Iterable[Sentence], *, trusted: bool) -> None:
        """Speak sentences that need no understanding; ends like `answer`.

        `trusted` ones are not judged: the greeting, and what was judged before.
        """
        reply = _Reply()
        with self._telling_what_breaks(task):
            for sentence in sentences:
                if trusted:
                    await self._speak(task, sentence)
                else:
                    await self._speak_judged(task, sentence, reply)
            self._post(ReplyDone(task, None))

    @contextmanager
    def _telling_what_breaks(self, task: int) -> Iterator[None]:
        """A part that breaks costs the call its reply, and no more."""
        try:
            yield
        except AgentError as error:
            self._post(ReplyBroke(task, "agent", str(error)))
        except SynthesisError as error:
            self._post(ReplyBroke(task, "synthesizer", str(error)))
        except Exception as error:
            log.exception("agent broke", task=task)
            self._post(ReplyBroke(task, "agent", f"{type(error).__name__}: {error}"))

    async def _understand(self, task: int, heard: Heard) -> Understanding:
        """Have a turn read; also of one that is broken off meanwhile, the owner hears what was found."""
        await self._free()
        self._take_back()
        begun = self._begun
        self._begun = heard.hypothesis.text if heard.hypothesis is not None else None
        work = self._executor.submit(self._conversation.understand, heard)
        reading = self._reading = asyncio.wrap_future(work)
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            if work.cancel():
                self._begun = begun
            else:
                reading.add_done_callback(lambda done: self._found_late(task, heard, done))
            raise

    def _as_given(self, heard: Heard) -> Heard:
        """A turn goes on only with what the agent has begun to read, not with what waited in vain."""
        if not heard.goes_on or heard.hypothesis is None:
            return heard
        begun = self._begun
        known = begun is not None and heard.hypothesis.text.startswith(begun)
        return replace(heard, goes_on=known)

    def _found_late(self, task: int, heard: Heard, reading: asyncio.Future[Understanding]) -> None:
        if reading.cancelled():
            return
        error = reading.exception()
        if error is None:
            self._post(_came(task, reading.result(), heard))
        elif not isinstance(error, AgentError):
            log.error("a turn that was broken off was not understood", task=task, exc_info=error)

    async def _free(self) -> None:
        """Wait until the agent has read what it was given before."""
        reading = self._reading
        if reading is not None and not reading.done():
            if isinstance(self._conversation, Withdraws):
                self._conversation.withdraw()
            await asyncio.wait([reading])

    def _take_back(self) -> list[Sentence]:
        """Tell the agent of hand-backs; what it says to the last one."""
        notes, self._notes = self._notes, []
        said: list[Sentence] = []
        for note in notes:
            said = [each for each in self._conversation.resume(note) if each.text]
        return said

    async def _respond(
        self, task: int, understanding: Understanding, safe_mode: bool
    ) -> Done | None:
        done: Done | None = None
        reply = _Reply()
        events = self._conversation.respond(understanding, safe_mode=safe_mode)
        async with _closing(events):
            async for event in events:
                match event:
                    case Sentence():
                        await self._speak_judged(task, event, reply)
                    case Proposal():
                        verdict: asyncio.Future[Verdict] = (
                            asyncio.get_running_loop().create_future()
                        )
                        self._post(ProposalCame(task, event, verdict))
                        self._conversation.verdict(event.action_id, await verdict)
                    case Acted():
                        self._post(ActedCame(task, event))
                    case Done():
                        done = event
        return done

    async def _speak_judged(self, task: int, sentence: Sentence, reply: _Reply) -> None:
        """Speak a sentence, or once a reply the safe line for all that may not be spoken."""
        found = self._judge(sentence.text, " ".join(reply.said))
        if found is not None and (found.review or found.route is not Route.PASS):
            self._post(LineJudged(found, sentence.text))
        if found is None or found.route in (Route.PASS, Route.FLAG):
            reply.said.append(sentence.text)
            await self._speak(task, sentence)
        elif not reply.cut:
            reply.cut = True
            await self._speak(task, Sentence(found.say or "", kind="refusal"))

    async def _speak(self, task: int, sentence: Sentence) -> None:
        """Post a sentence's sound as it is made; the last piece is empty and closes it."""
        first = True
        async for chunk in self._voice.synthesize(sentence.text):
            self._post(ClipCame(task, sentence, chunk, first=first, last=False))
            first = False
        self._post(ClipCame(task, sentence, b"", first=False, last=True))


def _came(task: int, understanding: Understanding, heard: Heard) -> UnderstandingCame:
    go: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    return UnderstandingCame(task, _as_told(understanding, heard), go, heard.goes_on)


def _as_told(understanding: Understanding, heard: Heard) -> Understanding:
    """What the owner is told of a turn: keys may be a PIN, which the agent alone knows."""
    if heard.digits is None:
        return understanding
    return replace(understanding, text=hidden_keys(understanding.text))


@asynccontextmanager
async def _closing(items: AsyncIterator[Item]) -> AsyncIterator[None]:
    """End a generator here when its consumer breaks off, not in a task that the collector starts."""
    try:
        yield
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()
