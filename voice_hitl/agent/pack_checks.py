"""What must hold between a pack's parts: every name exists, every action is confirmed first."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence

from handoff.events import Effect
from voice_hitl.agent.spec import AgentSpec, PackInfo, SlotSpec, StepSpec, ToolSpec
from voice_hitl.agent.wording import names_in
from voice_hitl.agent.yaml_source import Key, YamlSource

# What some prompts are filled with beside the pack's parameters.
_PROMPT_NAMES = {
    "clarify_one": {"option"},
    "clarify_two": {"first", "second"},
    "back_to": {"label"},
    "same_value": {"value"},
}


def check_info(source: YamlSource, info: PackInfo) -> None:
    """Check the texts of `pack.yaml`. Raises `PackError`."""
    parameters = set(info.parameters)
    for index, text in enumerate(info.greeting):
        _check_text(source, ("greeting", index), text, parameters)
    for notice, texts in info.notices.items():
        for index, text in enumerate(texts):
            _check_text(source, ("notices", notice.value, index), text, parameters)
    for name, texts in info.prompts:
        allowed = parameters | _PROMPT_NAMES.get(name, set())
        for index, text in enumerate(texts):
            _check_text(source, ("prompts", name, index), text, allowed)


def check_agent(source: YamlSource, agent: AgentSpec, info: PackInfo) -> None:
    """Check `agent.yaml` against itself and `pack.yaml`. Raises `PackError`."""
    known = set(agent.slots) | set(info.parameters)
    known |= {name for tool in agent.tools.values() for name in tool.returns}
    for name, intent in agent.intents.items():
        key: Key = ("intents", name)
        if intent.flow is not None:
            _check_name(source, (*key, "flow"), intent.flow, agent.flows, "flow")
        for index, text in enumerate(intent.examples):
            _check_text(source, (*key, "examples", index), text, agent.slots)
    for index, text in enumerate(agent.phrases):
        _check_text(source, ("phrases", index), text, agent.slots)
    for name, slot in agent.slots.items():
        _check_slot(source, agent, name, slot, known)
    for name, tool in agent.tools.items():
        key = ("tools", name)
        for field in ("summary", "safe_mode", "refused"):
            _check_text(source, (*key, field), getattr(tool, field) or "", known)
        for index, text in enumerate(tool.alternatives):
            _check_text(source, (*key, "alternatives", index), text, known)
        clash = set(tool.returns) & set(agent.slots)
        if clash:
            raise source.error(
                (*key, "returns"), f"'{min(clash)}' is a slot's name too; rename one of them"
            )
    for name, steps in agent.flows.items():
        _check_flow(source, agent, name, steps, known)
    for key, text in _said(agent):
        for name in names_in(text):
            if name in agent.sensitive:
                raise source.error(
                    key, f"'{name}' is sensitive and never said; remove '{{{name}}}'"
                )


def _said(agent: AgentSpec) -> Iterator[tuple[Key, str]]:
    """Everything that a caller may be told, and where it stands."""
    for name, slot in agent.slots.items():
        for text in (*slot.ask, slot.help or ""):
            yield ("slots", name), text
    for name, tool in agent.tools.items():
        for field in ("safe_mode", "refused"):
            yield ("tools", name, field), getattr(tool, field) or ""
    for name, steps in agent.flows.items():
        for index, step in enumerate(steps):
            for field, text in _texts(step):
                yield ("flows", name, index, field), text


def _check_slot(
    source: YamlSource, agent: AgentSpec, name: str, slot: SlotSpec, known: Collection[str]
) -> None:
    key: Key = ("slots", name)
    for index, text in enumerate(slot.ask):
        _check_text(source, (*key, "ask", index), text, known)
    if slot.differs_from is not None:
        _check_name(source, (*key, "differs_from"), slot.differs_from, agent.slots, "slot")
        hidden = sorted({name, slot.differs_from} & agent.sensitive)
        if hidden:
            raise source.error(
                (*key, "differs_from"),
                f"'{hidden[0]}' is sensitive, and callers would be told its value; remove it",
            )
    if slot.emergency_when is not None:
        _check_value(source, (*key, "emergency_when"), slot, slot.emergency_when)


def _check_flow(
    source: YamlSource,
    agent: AgentSpec,
    flow: str,
    steps: Sequence[StepSpec],
    known: Collection[str],
) -> None:
    produced: set[str] = set()
    read_back: set[str] = set()
    confirmed = False
    for index, step in enumerate(steps):
        key: Key = ("flows", flow, index)
        _check_step_names(source, agent, key, step, known)
        if step.ask is not None:
            produced.add(step.ask)
        again = [name for name in step.forget if name in produced]
        if step.forget and not again:
            raise source.error(
                (*key, "forget"),
                f"no earlier step asks for '{step.forget[0]}' again; add '- ask: {step.forget[0]}'",
            )
        if step.confirm is not None:
            confirmed = True
            read_back |= set(names_in(step.confirm))
        if step.run is not None:
            tool = agent.tools[step.run]
            missing = [name for name in tool.arguments if name not in produced]
            if missing:
                raise source.error(
                    (*key, "run"),
                    f"'{step.run}' needs '{missing[0]}', which no earlier step asks for or returns; "
                    f"add '- ask: {missing[0]}' before it",
                )
            if tool.effect is not Effect.READ:
                _check_confirmed(source, agent, (*key, "run"), tool, confirmed, read_back)
            produced |= set(tool.returns)


def _check_confirmed(
    source: YamlSource,
    agent: AgentSpec,
    key: Key,
    tool: ToolSpec,
    confirmed: bool,
    read_back: Collection[str],
) -> None:
    """Nothing is changed before the caller heard what it is and said yes."""
    if not confirmed:
        raise source.error(key, "changes something, so put a 'confirm' step before it")
    spoken = [
        name for name in tool.arguments if name in agent.slots and name not in agent.sensitive
    ]
    silent = [name for name in spoken if name not in read_back]
    if silent:
        raise source.error(
            key, f"no 'confirm' before it reads '{silent[0]}' back; write {{{silent[0]}}} into one"
        )


def _check_step_names(
    source: YamlSource, agent: AgentSpec, key: Key, step: StepSpec, known: Collection[str]
) -> None:
    if step.ask is not None:
        _check_name(source, (*key, "ask"), step.ask, agent.slots, "slot")
    if step.run is not None:
        _check_name(source, (*key, "run"), step.run, agent.tools, "tool")
    if step.goto is not None:
        _check_name(source, (*key, "goto"), step.goto, agent.flows, "flow")
    for where, name in _forgotten(step):
        _check_name(source, (*key, *where), name, agent.slots, "slot")
    for field, text in _texts(step):
        _check_text(source, (*key, field), text, known)
    for field in ("when", "unless"):
        for name, value in getattr(step, field).items():
            _check_name(source, (*key, field, name), name, known, "slot or tool result")
            if name in agent.slots:
                _check_value(source, (*key, field, name), agent.slots[name], value)
    if step.on_no is not None and step.on_no.goto is not None:
        _check_name(source, (*key, "on_no", "goto"), step.on_no.goto, agent.flows, "flow")


def _forgotten(step: StepSpec) -> Iterator[tuple[Key, str]]:
    for name in step.forget:
        yield ("forget",), name
    if step.on_no is not None:
        for name in step.on_no.forget:
            yield ("on_no", "forget"), name


def _texts(step: StepSpec) -> Iterator[tuple[str, str]]:
    for text in step.tell or ():
        yield "tell", text
    for text in (step.on_no.tell or ()) if step.on_no is not None else ():
        yield "on_no", text
    if step.confirm is not None:
        yield "confirm", step.confirm
    if step.failed is not None:
        yield "failed", step.failed


def _check_value(source: YamlSource, key: Key, slot: SlotSpec, value: str) -> None:
    allowed: Iterable[str] = slot.values if slot.type == "choice" else ("yes", "no")
    if slot.type in ("choice", "yes_no") and value not in allowed:
        raise source.error(key, f"'{value}' is none of its values; use {', '.join(allowed)}")


def _check_name(source: YamlSource, key: Key, name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, list(known), n=1)
        mend = (
            f"write '{close[0]}'" if close else f"use one of {', '.join(sorted(known)) or 'none'}"
        )
        raise source.error(key, f"there is no {what} '{name}'; {mend}")


def _check_text(source: YamlSource, key: Key, text: str, known: Collection[str]) -> None:
    for name in names_in(text):
        if name not in known:
            close = difflib.get_close_matches(name, list(known), n=1)
            mend = f"write '{{{close[0]}}}'" if close else "remove it"
            raise source.error(key, f"nothing fills '{{{name}}}'; {mend}")
