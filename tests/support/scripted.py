"""Scripted twins of recognizer, voice and agent, for whole calls on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from handoff.events import DialogueFacts, Effect, IntentFacts
from voice_hitl.agent.pack import Pack
from voice_hitl.agent.protocol import (
    Acted,
    AgentEvent,
    Done,
    Heard,
    Proposal,
    Sentence,
    Understanding,
    Verdict,
)
from voice_hitl.errors import AgentError, RecognizerLost
from voice_hitl.language import Expectation, Hypothesis
from voice_hitl.speech.protocols import Pcm, SpeakerMemory

LOST = "(recognizer lost)"


@dataclass
class ScriptedRecognizer:
    """Understands whatever the test says the caller is `saying`, 60 ms after the end of it."""

    name: str = "scripted"
    saying: str = ""
    finished: int = 0
    open_utterances: int = 0

    def open(
        self,
        on_partial: Callable[[Hypothesis], None],
        expectation: Expectation = Expectation(),
        memory: SpeakerMemory | None = None,
    ) -> ScriptedUtterance:
        self.open_utterances += 1
        return ScriptedUtterance(self, on_partial)

    async def aclose(self) -> None:
        pass


class ScriptedUtterance:
    def __init__(
        self, recognizer: ScriptedRecognizer, on_partial: Callable[[Hypothesis], None]
    ) -> None:
        self._recognizer = recognizer
        self._on_partial = on_partial
        self._over = False
        self._fed = 0

    def feed(self, pcm: Pcm) -> None:
        before, self._fed = self._fed, self._fed + len(pcm)
        if before < 8000 <= self._fed and self._recognizer.saying:
            self._on_partial(Hypothesis(self._recognizer.saying))

    async def finish(self) -> Hypothesis:
        await asyncio.sleep(0.06)
        self.cancel()
        text = self._recognizer.saying
        self._recognizer.finished += 1
        if text == LOST:
            raise RecognizerLost("the worker died twice")
        return Hypothesis(text, confidence=0.95 if text else 0.0, final=True)

    def cancel(self) -> None:
        if not self._over:
            self._over = True
            self._recognizer.open_utterances -= 1


class ScriptedVoice:
    """0.3 s of sound for each word."""

    name = "scripted"

    def clip(self, text: str) -> bytes:
        return bytes([0x20, 0xA0]) * (1200 * len(text.split()))

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        await asyncio.sleep(0.02)
        yield self.clip(text)

    async def aclose(self) -> None:
        pass


MOVE_MONEY = Proposal("a1", "transfer", {"amount": "50"}, Effect.REVERSIBLE, "move 50 dollars")


@dataclass
class ScriptedAgent:
    """Answers by keyword; every conversation is the same."""

    name: str = "scripted"
    action: Proposal = MOVE_MONEY
    acted: list[str] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    thinks: float = 0.005  # seconds before it answers
    first: str = ""  # said before it proposes

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> ScriptedConversation:
        assert "token" not in parameters
        return ScriptedConversation(self)

    async def aclose(self) -> None:
        pass


class TwinAgent(ScriptedAgent):
    """One that takes a pack, as those of a configuration do."""

    def __init__(self, pack: Pack) -> None:
        super().__init__(name=pack.name)


class ScriptedConversation:
    def __init__(self, agent: ScriptedAgent) -> None:
        self._agent = agent
        self._allowed: dict[str, bool] = {}

    def greeting(self) -> list[Sentence]:
        return [Sentence("Hello, how can I help you today?")]

    def understand(self, heard: Heard) -> Understanding:
        self._agent.heard.append(heard)
        text = heard.hypothesis.text if heard.hypothesis else ""
        if "break" in text:
            raise AgentError("it broke")
        if "explode" in text:
            raise ZeroDivisionError("a bug")
        lost = "mumble" in text
        return Understanding(
            text=text,
            intent=IntentFacts(None, 0.2) if lost else IntentFacts("balance", 0.97, margin=0.9),
            dialogue=DialogueFacts(
                wants_person=0.99 if "person" in text else 0.0,
                emergency="fraud" in text,
                no_match=lost,
            ),
            slots={"account": "checking"},
            state=heard,
        )

    async def respond(
        self, understanding: Understanding, *, safe_mode: bool
    ) -> AsyncIterator[AgentEvent]:
        await asyncio.sleep(self._agent.thinks)
        text = understanding.text
        if "goodbye" in text:
            yield Sentence("Thank you and goodbye.")
            yield Done(end_call=True)
            return
        if "move" in text:
            if self._agent.first:
                yield Sentence(self._agent.first)
            yield self._agent.action
            if self._allowed.get(self._agent.action.action_id):
                self._agent.acted.append("safe" if safe_mode else "normal")
                yield Acted("a1", "transfer", self._agent.action.effect, True, "moved 50 dollars")
                yield Sentence("I have moved the money for you.")
            else:
                yield Sentence("I am not allowed to do that.", kind="refusal")
            yield Done()
            return
        if not text:
            yield Sentence("Are you still there?", kind="question")
        else:
            yield Sentence("Your balance is two hundred dollars and ten cents.")
            yield Sentence("What else can I do for you?", kind="question")
        yield Done(pending="what else", expectation=Expectation(("yes", "no")))

    def verdict(self, action_id: str, verdict: Verdict) -> None:
        self._allowed[action_id] = verdict.allowed
        self._agent.verdicts[action_id] = verdict

    def resume(self, note: str) -> list[Sentence]:
        return [Sentence(f"I am back. {note}".strip())]

    def completeness(self, partial: str) -> float:
        return 0.2 if partial.endswith("and") else 1.0
