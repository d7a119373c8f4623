"""The agent that a pack describes: trains its understanding once, then talks to any number of callers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from voice_hitl.agent.completeness import Completeness
from voice_hitl.agent.conversation import FlowConversation
from voice_hitl.agent.corpus import spoken_values
from voice_hitl.agent.cues import Detector, train_detectors
from voice_hitl.agent.frames import Walker
from voice_hitl.agent.languages import phrases
from voice_hitl.agent.nlu import IntentModel
from voice_hitl.agent.numbers import UNITS
from voice_hitl.agent.pack import Pack
from voice_hitl.agent.parts import Parts
from voice_hitl.agent.reading import Reader
from voice_hitl.agent.slots import SlotReader
from voice_hitl.agent.text import plain
from voice_hitl.agent.tools import Toolbox, load_toolbox_type
from voice_hitl.language import Expectation


class NoTools:
    """The toolbox of a pack that only talks."""

    async def aclose(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True, slots=True)
class Models:
    """What a pack's own words teach; immutable, shared by all of an agent's conversations."""

    intents: IntentModel
    person: Detector
    frustration: Detector


def train(pack: Pack) -> Models:
    """Train a pack's models; about a second and a half of one core, so keep it off the event loop."""
    agent, language = pack.agent, pack.speech
    examples = pack.examples()
    spec = language.spec
    elsewhere = [plain(text) for text in (*agent.elsewhere, *spec.elsewhere)]
    acts = {spec.act: name for name, spec in agent.intents.items() if spec.act}
    outside = [*elsewhere, *(plain(text) for text in spec.frustration)]
    flows = [name for name, spec in agent.intents.items() if spec.flow]
    # These matrices are small: threads that wait for each other on busy cores cost ten times more.
    with threadpool_limits(limits=1):
        person, frustration = train_detectors(
            examples, acts.get("person", "person"), language, [*elsewhere, *pack.answers()]
        )
        return Models(IntentModel(examples, outside, novel=flows), person, frustration)


class FlowAgent:
    """Implements `voice_hitl.agent.protocol.Agent` with nothing but a pack."""

    def __init__(
        self,
        pack: Pack,
        data: Path,
        *,
        models: Models | None = None,
        toolbox: Toolbox | None = None,
        today: Callable[[], dt.date] = dt.date.today,
    ) -> None:
        """Make an agent; without `models` it trains them, which takes a moment (see `train`).

        `data`: folder in which the pack's tools keep what they need. Raises `PackError`.
        """
        self.name = pack.name
        self._toolbox = toolbox or _toolbox(pack, data)
        models = models or train(pack)
        agent, language = pack.agent, pack.speech
        slots = SlotReader(agent.slots, language, pack.currency)
        walker = Walker(agent)
        reader = Reader(
            agent,
            language,
            slots,
            models.intents,
            models.person,
            models.frustration,
            {flow: walker.wanted(flow) for flow in agent.flows},
            (*language.emergency, *phrases(agent.emergency)),
        )
        self._parts = Parts(
            pack=pack,
            reader=reader,
            walker=walker,
            slots=slots,
            completeness=Completeness(agent.slots, language, pack.currency, slots, models.intents),
            toolbox=self._toolbox,
            expectations=_expectations(pack),
            today=today,
        )

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> FlowConversation:
        """Start a conversation; `parameters["caller"]` is the caller's number."""
        return FlowConversation(self._parts, call_id, parameters)

    async def aclose(self) -> None:
        """Release what the tools hold."""
        await self._toolbox.aclose()


def _toolbox(pack: Pack, data: Path) -> Toolbox:
    if pack.info.tools is None:
        return NoTools()
    return load_toolbox_type(pack.info.tools)(data, pack.info.parameters)


def _expectations(pack: Pack) -> dict[str, Expectation]:
    """Likely answers to each slot's question, and under "" those to a yes-or-no question."""
    digits = (*(word for word, value in UNITS.items() if value < 10), "oh")
    found = {
        name: Expectation(
            digits if spec.type == "digits" else spoken_values(spec, pack.speech, pack.currency)
        )
        for name, spec in pack.agent.slots.items()
    }
    return found | {"": Expectation((*pack.speech.spec.yes, *pack.speech.spec.no))}
