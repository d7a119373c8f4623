"""For tests of packs: a caller who types, and models that are trained once.

::

    call = TextCall(FlowAgent(pack, tmp_path, models=trained("banking")))
    reply = await call.say("what's my checking balance")
    assert "dollars" in reply.text
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from voice_hitl.agent.flow import Models, train
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.protocol import (
    Acted,
    Agent,
    Done,
    Heard,
    Proposal,
    Sentence,
    Understanding,
    Verdict,
)
from voice_hitl.language import Hypothesis


@dataclass(frozen=True, slots=True)
class Reply:
    """All that came of one turn."""

    understanding: Understanding
    sentences: tuple[Sentence, ...]
    proposals: tuple[Proposal, ...]
    acted: tuple[Acted, ...]
    done: Done

    @property
    def text(self) -> str:
        """Everything that was said."""
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each sentence."""
        return tuple(sentence.kind for sentence in self.sentences)


class TextCall:
    """One call by text."""

    def __init__(
        self,
        agent: Agent,
        caller: str = "+15550100",
        *,
        call_id: str = "call",
        judge: Callable[[Proposal], Verdict] = lambda proposal: Verdict(allowed=True),
        safe_mode: bool = False,
    ) -> None:
        """`judge` answers every proposal, as the server would."""
        parameters: Mapping[str, str] = {"caller": caller}
        self.conversation = agent.converse(call_id, parameters)
        self.greeting = " ".join(sentence.text for sentence in self.conversation.greeting())
        self.safe_mode = safe_mode
        self._judge = judge

    async def say(self, text: str, confidence: float = 1.0, *alternatives: str) -> Reply:
        """Say something, as a recognizer would give it."""
        return await self.turn(Heard(Hypothesis(text, confidence, (), alternatives, final=True)))

    async def key(self, digits: str) -> Reply:
        """Press keys."""
        return await self.turn(Heard(digits=digits))

    async def stay_silent(self, seconds: float = 7.0) -> Reply:
        """Say nothing."""
        return await self.turn(Heard(silence=seconds))

    async def turn(self, heard: Heard) -> Reply:
        """Take any turn."""
        understanding = self.conversation.understand(heard)
        sentences: list[Sentence] = []
        proposals: list[Proposal] = []
        acted: list[Acted] = []
        done = Done()
        async for event in self.conversation.respond(understanding, safe_mode=self.safe_mode):
            match event:
                case Sentence():
                    sentences.append(event)
                case Proposal():
                    proposals.append(event)
                    self.conversation.verdict(event.action_id, self._judge(event))
                case Acted():
                    acted.append(event)
                case Done():
                    done = event
        return Reply(understanding, tuple(sentences), tuple(proposals), tuple(acted), done)


@lru_cache(maxsize=4)
def trained(pack: str) -> Models:
    """The models of a pack (name or path), trained once a process."""
    return train(load_pack(pack))
