"""Walking a flow: from what is known so far to the next thing to do. Pure; nothing is said or run here.

A flow is walked from its top every time. A step that has its value, was confirmed, ran or was told with
the same words is passed over, so that a correction at any point leads to just the steps it concerns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from handoff.events import Effect
from voice_hitl.agent.slots import SlotValue
from voice_hitl.agent.spec import AgentSpec, StepSpec, ToolSpec
from voice_hitl.agent.wording import names_in
from voice_hitl.errors import AgentError

Snapshot = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Frame:
    """One flow under way."""

    flow: str
    intent: str
    values: dict[str, SlotValue] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    confirmed: dict[int, Snapshot] = field(default_factory=dict)
    ran: dict[int, Snapshot] = field(default_factory=dict)
    told: dict[int, Snapshot] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    words: str = ""  # the caller's own, with which it began

    def copy(self) -> Frame:
        """One that changes apart from this."""
        return replace(
            self,
            values=dict(self.values),
            results=dict(self.results),
            confirmed=dict(self.confirmed),
            ran=dict(self.ran),
            told=dict(self.told),
            asked=self.asked.copy(),
        )

    def forget(self, names: Sequence[str]) -> None:
        """Slots to be asked for again."""
        for name in names:
            self.values.pop(name, None)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for a slot."""

    slot: str


@dataclass(frozen=True, slots=True)
class Say:
    """Tell something."""

    index: int
    step: StepSpec
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Confirm:
    """Read back and ask for a yes."""

    index: int
    step: StepSpec
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """Run a tool."""

    index: int
    step: StepSpec
    name: str
    tool: ToolSpec
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on with another flow."""

    flow: str


@dataclass(frozen=True, slots=True)
class End:
    """The flow is complete."""


Plan = Ask | Say | Confirm | Run | Goto | End


class Walker:
    """Finds the next thing to do in the flows of one pack."""

    def __init__(self, agent: AgentSpec) -> None:
        self._agent = agent

    def plan(self, frame: Frame, remembered: Mapping[str, str]) -> Plan:
        """The next thing to do; `remembered` are results that hold for the whole call.

        Raises `AgentError` rather than let an action run that was not confirmed.
        """
        known = self.known(frame, remembered)
        for index, step in enumerate(self._agent.flows[frame.flow]):
            if not applies(step, known):
                continue
            if step.ask is not None:
                if step.ask not in frame.values:
                    return Ask(step.ask)
            elif step.tell is not None:
                heard = _snapshot(step.tell, known)
                # What makes the caller answer anew is said each time it is reached.
                if step.forget or step.stop or frame.told.get(index) != heard:
                    return Say(index, step, step.tell)
            elif step.confirm is not None:
                if frame.confirmed.get(index) != _snapshot((step.confirm,), known):
                    return Confirm(index, step, step.confirm)
            elif step.run is not None:
                tool = self._agent.tools[step.run]
                arguments = self._arguments(tool, known)
                if frame.ran.get(index) != tuple(arguments.items()):
                    self._must_be_confirmed(frame, index, step.run, tool)
                    return Run(index, step, step.run, tool, arguments)
            elif step.goto is not None:
                return Goto(step.goto)
        return End()

    def upcoming(
        self, frame: Frame, index: int, remembered: Mapping[str, str]
    ) -> tuple[str, ToolSpec] | None:
        """The next action that changes something after a step, as far as can be known now."""
        known = self.known(frame, remembered)
        for step in self._agent.flows[frame.flow][index + 1 :]:
            if step.run is not None and applies(step, known):
                tool = self._agent.tools[step.run]
                if tool.effect is not Effect.READ:
                    return step.run, tool
        return None

    def wanted(self, flow: str) -> tuple[str, ...]:
        """The slots that a flow can use, in the order it asks for them."""
        steps = self._agent.flows[flow]
        asked = [step.ask for step in steps if step.ask is not None]
        tools = [self._agent.tools[step.run] for step in steps if step.run is not None]
        named = [name for tool in tools for name in (*tool.arguments, *tool.optional)]
        slots = (name for name in (*asked, *named) if name in self._agent.slots)
        return tuple(dict.fromkeys(slots))

    def only_reads(self, flow: str) -> bool:
        """Whether nothing that a flow does changes anything."""
        tools = [self._agent.tools[step.run] for step in self._agent.flows[flow] if step.run]
        return all(tool.effect is Effect.READ for tool in tools)

    @staticmethod
    def known(frame: Frame, remembered: Mapping[str, str]) -> dict[str, str]:
        """All canonical values: results of the call, of the flow, and slots."""
        values = {name: each.value for name, each in frame.values.items()}
        return {**remembered, **frame.results, **values}

    def done(self, frame: Frame, plan: Say | Confirm | Run, remembered: Mapping[str, str]) -> None:
        """Note that a step was told, confirmed or run with what is known now."""
        known = self.known(frame, remembered)
        match plan:
            case Say(index, _, texts):
                frame.told[index] = _snapshot(texts, known)
            case Confirm(index, _, text):
                frame.confirmed[index] = _snapshot((text,), known)
            case Run(index, arguments=arguments):
                frame.ran[index] = tuple(arguments.items())

    def confirmed_again(self, frame: Frame, remembered: Mapping[str, str]) -> None:
        """Let what was confirmed count for the values as they are now."""
        known = self.known(frame, remembered)
        for index in frame.confirmed:
            text = self._agent.flows[frame.flow][index].confirm or ""
            frame.confirmed[index] = _snapshot((text,), known)

    def _arguments(self, tool: ToolSpec, known: Mapping[str, str]) -> dict[str, str]:
        needed = {name: known[name] for name in tool.arguments}
        return needed | {name: known[name] for name in tool.optional if name in known}

    def _must_be_confirmed(self, frame: Frame, index: int, name: str, tool: ToolSpec) -> None:
        if tool.effect is Effect.READ:
            return
        heard = {pair[0] for at, each in frame.confirmed.items() if at < index for pair in each}
        silent = [
            each for each in tool.arguments if each in self._agent.slots and each not in heard
        ]
        if silent or not any(at < index for at in frame.confirmed):
            raise AgentError(f"flow {frame.flow} would run {name} before the caller confirmed it")


def applies(step: StepSpec, known: Mapping[str, str]) -> bool:
    """Whether a step's conditions hold."""
    return all(known.get(name) == value for name, value in step.when.items()) and not any(
        known.get(name) == value for name, value in step.unless.items()
    )


def _snapshot(texts: Sequence[str], known: Mapping[str, str]) -> Snapshot:
    names = dict.fromkeys(name for text in texts for name in names_in(text))
    return tuple((name, known.get(name, "")) for name in names)
