"""The shape of a pack's files: what an agent is, as data.

`docs/packs.md` explains every key with examples. Texts spoken to callers may hold `{name}` placeholders
for slots, tool results and parameters; `pack_checks.py` checks that every name they use exists.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from handoff.commands import Notice
from handoff.events import Effect
from voice_hitl.agent.money import CURRENCIES


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=400)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_list), Field(min_length=1)]
Variants = Annotated[tuple[Text, ...], Field(min_length=2)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]

ActName = Literal["person", "repeat", "help", "cancel", "goodbye", "thanks", "greeting", "wait"]


class Spec(BaseModel):
    """Base of every part: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- pack.yaml --------------------------------------------------------------------------------


class VoiceSpec(Spec):
    """Which voice speaks; engines ignore what they do not have."""

    name: str = ""  # the engine's own name; empty: its default for the language
    rate: Annotated[int, Field(ge=80, le=400)] | None = None  # words a minute


class Prompts(Spec):
    """Fixed sentences; where there are several, each time the next one is said."""

    no_input: Variants
    no_match: Variants
    rephrase: Variants  # follows no_match where nothing is pending
    anything_else: Variants
    welcome_back: Texts  # after a person handed the call back
    how_can_i_help: Variants
    upset: Variants  # the caller loses patience
    go_ahead: Texts  # the caller said only "yes" to "anything else?"
    not_understood_yes_no: Texts
    clarify_one: Texts  # {option}
    clarify_two: Texts  # {first} {second}
    change_what: Texts
    cancelled: Texts
    back_to: Texts  # {label}
    help: Texts
    thanks: Texts
    greeting: Texts
    wait: Texts
    nothing_said: Texts  # "repeat" with nothing to repeat
    no_person: Texts  # a person was asked for while none can come
    refused: Texts  # an action was not allowed
    failed: Texts  # a tool broke
    uncertain: Texts  # a tool did not answer: it may have happened
    same_value: Texts  # {value}: two slots that must differ got the same value
    give_up: Texts  # a slot was asked for too often
    not_heard: Texts  # a confirmation was cut off before it was heard
    goodbye: Texts


class PackInfo(Spec):
    """`pack.yaml`."""

    name: Name
    title: Text
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
    currency: str = "USD"
    oversight: Literal["in_the_loop", "on_the_loop", "out_of_the_loop"] = "on_the_loop"
    voice: VoiceSpec = VoiceSpec()
    tools: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = None
    parameters: dict[Name, str] = Field(default_factory=dict)
    greeting: Texts
    notices: dict[Notice, Texts]
    prompts: Prompts

    @model_validator(mode="after")
    def _complete(self) -> PackInfo:
        missing = [notice.value for notice in Notice if notice not in self.notices]
        if missing:
            raise ValueError(f"notices lack {', '.join(missing)}; write a text for each")
        if self.currency not in CURRENCIES:
            raise ValueError(f"unknown currency; use one of {', '.join(CURRENCIES)}")
        return self


# --- agent.yaml -------------------------------------------------------------------------------


class SlotSpec(Spec):
    """One thing the agent may need to know."""

    type: Literal["choice", "amount", "digits", "date", "yes_no"]
    title: Text  # for operators: "the amount to move"
    ask: Variants  # first question, then other words for it
    help: Text | None = None  # said when the caller does not know
    values: dict[Name, Texts] = Field(default_factory=dict)  # choice: first text is the one spoken
    cues: tuple[Text, ...] = ()  # words right before a value that make it this slot's
    length: Annotated[int, Field(ge=2, le=12)] = 4  # digits
    future: bool = False  # date: the nearest such day ahead, not back
    differs_from: Name | None = None
    emergency_when: str | None = None  # the value that means danger
    sensitive: bool = False  # nobody is shown its value, and nothing keeps it

    @model_validator(mode="after")
    def _fitting(self) -> SlotSpec:
        if self.sensitive and self.type == "yes_no":
            raise ValueError("a yes or no cannot be hidden; remove 'sensitive'")
        if self.sensitive and self.emergency_when is not None:
            raise ValueError("an emergency is told to people, so it cannot be 'sensitive' too")
        if (self.type == "choice") != bool(self.values):
            raise ValueError("'values' belong to slots of type choice, and those need them")
        return self


class IntentSpec(Spec):
    """Something callers come for."""

    label: Text  # fits "Do you want help with {label}?"
    category: str = "general"
    flow: Name | None = None
    act: ActName | None = None  # a turn of conversation rather than a request
    emergency: bool = False
    examples: Annotated[tuple[Text, ...], Field(min_length=5)]

    @model_validator(mode="after")
    def _leads_somewhere(self) -> IntentSpec:
        if (self.flow is None) == (self.act is None):
            raise ValueError("needs either 'flow' or 'act'")
        return self


class ToolSpec(Spec):
    """Something the agent can do."""

    effect: Effect
    summary: Text  # one line for an operator, before: "Move {amount} from {source} to {target}"
    arguments: tuple[Name, ...] = ()
    optional: tuple[Name, ...] = ()
    returns: tuple[Name, ...] = ()
    remember: bool = False  # results hold for the whole call, not for one flow
    amount: Name | None = None  # the argument that holds money
    limit: Annotated[float, Field(gt=0)] | None = None  # above it the agent may not act alone
    above_limit: Effect | None = None  # the effect above the limit
    regulated: str | None = None  # a category of the policy's table
    timeout: Annotated[float, Field(gt=0, le=30)] = 5.0  # seconds
    safe_mode: Text | None = None  # said instead of acting while nothing irreversible may be done
    refused: Text | None = None  # said when the action was not allowed; else the general prompt
    alternatives: Annotated[tuple[Text, ...], BeforeValidator(_as_list)] = ()
    """What else could be done, for whoever is asked to approve it."""
    sensitive: Annotated[tuple[Name, ...], BeforeValidator(_as_list)] = ()
    """Arguments and results that nobody is shown, beside the slots that are `sensitive` themselves."""

    @property
    def may_be_irreversible(self) -> bool:
        """Whether any use of this tool cannot be undone."""
        return Effect.IRREVERSIBLE in (self.effect, self.above_limit)

    @model_validator(mode="after")
    def _consistent(self) -> ToolSpec:
        for name in self.sensitive:
            if name not in (*self.arguments, *self.optional, *self.returns):
                raise ValueError(f"'sensitive' names '{name}', which it neither takes nor returns")
        if (self.limit is None) != (self.amount is None):
            raise ValueError("'amount' and 'limit' go together")
        if self.amount is not None and self.amount not in self.arguments:
            raise ValueError(f"'amount' names '{self.amount}', which is not among 'arguments'")
        if self.may_be_irreversible and self.safe_mode is None:
            raise ValueError("can be irreversible, so write 'safe_mode': what is said instead")
        return self


class OnNo(Spec):
    """What a "no" to a confirmation does."""

    forget: tuple[Name, ...] = ()  # slots to ask for again
    tell: Texts | None = None
    goto: Name | None = None


class StepSpec(Spec):
    """One step of a flow; exactly one of ask, tell, confirm, run, goto."""

    ask: Name | None = None
    tell: Texts | None = None
    confirm: Text | None = None
    run: Name | None = None
    goto: Name | None = None
    when: dict[Name, str] = Field(default_factory=dict)  # all must hold
    unless: dict[Name, str] = Field(default_factory=dict)  # none may hold
    forget: tuple[Name, ...] = ()  # tell: ask for these again, from the top
    stop: bool = False  # tell: the flow ends here
    on_no: OnNo | None = None  # confirm
    failed: Text | None = None  # run: said when the tool breaks

    @model_validator(mode="after")
    def _one_kind(self) -> StepSpec:
        kinds = ("ask", "tell", "confirm", "run", "goto")
        if sum(getattr(self, kind) is not None for kind in kinds) != 1:
            raise ValueError(f"a step is exactly one of {', '.join(kinds)}")
        if self.tell is None and (self.forget or self.stop):
            raise ValueError("'forget' and 'stop' belong to 'tell'")
        if self.forget and self.stop:
            raise ValueError("either 'forget' and go on, or 'stop'")
        if self.confirm is None and self.on_no is not None:
            raise ValueError("'on_no' belongs to 'confirm'")
        if self.run is None and self.failed is not None:
            raise ValueError("'failed' belongs to 'run'")
        return self


class AgentSpec(Spec):
    """`agent.yaml`."""

    intents: dict[Name, IntentSpec]
    slots: dict[Name, SlotSpec] = Field(default_factory=dict)
    tools: dict[Name, ToolSpec] = Field(default_factory=dict)
    flows: dict[Name, tuple[StepSpec, ...]] = Field(default_factory=dict)
    emergency: tuple[Text, ...] = ()  # phrases that mean danger in this pack's field
    elsewhere: tuple[Text, ...] = ()  # requests near this field that the agent cannot serve
    phrases: tuple[Text, ...] = ()  # further sentences callers say, for the recognizer alone

    @property
    def sensitive(self) -> frozenset[str]:
        """Slots, arguments and results whose values nobody is shown and nothing keeps."""
        of_tools = {name for tool in self.tools.values() for name in tool.sensitive}
        return frozenset(of_tools | {name for name, slot in self.slots.items() if slot.sensitive})
