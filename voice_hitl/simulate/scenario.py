"""What a simulated caller says and does; the language is documented in docs/scenarios.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from voice_hitl.simulate.clips import Clip, Noise, load_clip

STEP_KINDS = ("say", "wait", "dtmf", "hangup", "if_agent_says")
WAITED_FOR = ("agent_done", "agent_speaking", "operator")
LONGEST_REASON = 500  # characters that the console takes
INTERRUPT_AFTER = 0.8  # seconds that an interrupting caller listens before they speak

Seconds = Annotated[float, Field(ge=0, le=600)]
FileName = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """Base of all parts: frozen and closed, so that a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Say(Part):
    """Play a recording; `text` is what is said in it (empty when nobody could tell)."""

    say: FileName
    text: str
    interrupt: bool = False  # begin 0.8 s after the agent began to speak


class Wait(Part):
    """Say nothing until something has happened, or for a time.

    `agent_done`: the agent spoke since the caller last did, all its marks are back and it has been quiet
    for `quiet` seconds, and, with `hears`, one of these texts was heard of it, by the server's transcript.
    `agent_speaking`: it is audible. `operator`: a person has taken the call.
    Not within `timeout` seconds: the caller gives up and the call counts as gone wrong.
    """

    wait: Literal["agent_done", "agent_speaking", "operator"] | Seconds
    timeout: Seconds = 12.0
    quiet: Seconds = 0.4
    hears: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = None

    @field_validator("wait", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        if isinstance(value, dict) and set(value) == {"seconds"}:
            value = value["seconds"]
        if isinstance(value, str) and value in WAITED_FOR:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 600:
            return float(value)
        raise ValueError(f"wait for {', '.join(WAITED_FOR)} or a number of seconds (0 to 600)")

    @model_validator(mode="after")
    def _words_of_the_agent(self) -> Wait:
        if self.hears is not None and self.wait != "agent_done":
            raise ValueError("`hears` belongs to `wait: agent_done`")
        return self


class Dtmf(Part):
    """Press keys."""

    dtmf: str = Field(pattern=r"^[0-9*#A-D]{1,32}$")

    @field_validator("dtmf", mode="before")
    @classmethod
    def _quoted(cls, value: object) -> object:
        if isinstance(value, int):
            raise ValueError(f'keys are text: write dtmf: "{value}"')
        return value


class HangupWhen(Part):
    """`after`: seconds from the start of the recording just before; without it at its end."""

    after: Seconds | None = None


class Hangup(Part):
    """End the call."""

    hangup: HangupWhen

    @field_validator("hangup", mode="before")
    @classmethod
    def _bare(cls, value: object) -> object:
        return {} if value is None else value


class Condition(Part):
    """React to what the agent said since the caller last spoke, by the server's own transcript."""

    contains: Annotated[str, Field(min_length=1)] | Annotated[list[str], Field(min_length=1)]
    say: FileName | None = None
    text: str | None = None
    then: list[Step] = []
    otherwise: list[Step] = Field(default=[], alias="else")

    @model_validator(mode="after")
    def _one_way(self) -> Condition:
        if (self.say is None) != (self.text is None):
            raise ValueError("`say` and `text` belong together")
        if (self.say is not None) == bool(self.then):
            raise ValueError("give either `say` with `text`, or `then` with a list of steps")
        return self

    def branch(self, said: str) -> Sequence[Step]:
        """The steps to go on with after the agent said this."""
        wanted = [self.contains] if isinstance(self.contains, str) else self.contains
        if not said_any(wanted, said):
            return self.otherwise
        if self.say is not None and self.text is not None:
            return [Say(say=self.say, text=self.text)]
        return self.then


class IfAgentSays(Part):
    """A fork in the conversation."""

    if_agent_says: Condition


def _kind(value: object) -> str | None:
    if isinstance(value, dict):
        return next((kind for kind in STEP_KINDS if kind in value), None)
    return next((kind for kind in STEP_KINDS if hasattr(value, kind)), None)


Step = Annotated[
    Annotated[Say, Tag("say")]
    | Annotated[Wait, Tag("wait")]
    | Annotated[Dtmf, Tag("dtmf")]
    | Annotated[Hangup, Tag("hangup")]
    | Annotated[IfAgentSays, Tag("if_agent_says")],
    Discriminator(
        _kind,
        custom_error_type="no_such_step",
        custom_error_message=f"a step has one of these keys: {', '.join(STEP_KINDS)}",
    ),
]


class NoiseSetting(Part):
    """Background noise through the whole call, so many dB under the caller's speech."""

    wav: FileName
    snr_db: float = Field(ge=-20, le=60)


class OperatorScript(Part):
    """What the scripted operator of a headless demo does with this call.

    `accept`: true takes it, false declines it (and so does everybody after them), "never" lets it ring.
    `declines`: so many operators decline before that. `after`: seconds of ringing, or of looking at an
    approval, before. `say`: what they say once they have it. `then`: hand it back with `note`, end it, or
    stay until the caller hangs up. `approve`: their answer to every action of this call that they are asked
    to approve: as the AI proposed it, with other values of these arguments, or not, because of `note`;
    without it they let the time run out.
    """

    accept: Literal[True, False, "never"] = True
    declines: int = Field(default=0, ge=0, le=10)
    after: Seconds = 1.0
    say: FileName | None = None
    text: str = ""
    then: Literal["hand_back", "end", "stay"] = "end"
    note: str = Field(default="", max_length=2000)
    approve: (
        Literal["as_proposed", "reject"] | Annotated[dict[str, str], Field(min_length=1)] | None
    ) = None

    @model_validator(mode="after")
    def _says_why(self) -> OperatorScript:
        if self.approve == "reject" and not 0 < len(self.note) <= LONGEST_REASON:
            raise ValueError(
                f"`approve: reject` needs a `note` that says why, at most {LONGEST_REASON} characters"
            )
        return self


class Expectation(Part):
    """What must be true when the call is over."""

    outcome: Literal["automated", "handed_off", "abandoned", "failed"]
    reasons_any: list[str] = []  # at least one of these codes is among the handoff's reasons
    approval: Literal["approved", "edited", "rejected"] | None = (
        None  # how the last one was answered
    )
    bank: dict[str, Any] = {}  # facts that must hold in the pack's own database


class Scenario(Part):
    """One simulated call."""

    source: Path  # the file it came from; recordings lie beside it
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    description: str = ""
    tags: list[str] = []
    caller: str = Field(default="+15550100", pattern=r"^\+?[0-9]{3,15}$")
    noise: NoiseSetting | None = None
    steps: list[Step]
    operator: OperatorScript | None = None
    expect: Expectation
    linger: Seconds = 6.0  # silence after the last step until the caller hangs up
    limit: Annotated[float, Field(gt=0, le=3600)] = 120.0  # seconds the whole call may last

    def clip(self, name: str) -> Clip:
        """A recording that lies beside the file; raises `ScenarioError`."""
        return load_clip(self.source.parent / name)

    def every_step(self) -> Iterator[Step]:
        """All steps, those of forks included, in the order of the file."""
        return _flat(self.steps)

    def sayings(self) -> list[Say]:
        """All that the caller may say, in the order of the file."""
        found = []
        for step in self.every_step():
            if isinstance(step, Say):
                found.append(step)
            elif isinstance(step, IfAgentSays):
                condition = step.if_agent_says
                if condition.say is not None and condition.text is not None:
                    found.append(Say(say=condition.say, text=condition.text))
        return found

    def needs_view(self) -> bool:
        """Whether the caller must be told what the server knows (a `ServerView`)."""
        return self.view_step() is not None

    def view_step(self) -> str | None:
        """The first step that a view is needed for, by its number (from 1) and key; None where none is."""
        for number, step in enumerate(self.steps, start=1):  # those of forks lie behind one
            if isinstance(step, IfAgentSays):
                return f"step {number}, `if_agent_says`"
            if isinstance(step, Wait) and step.wait == "operator":
                return f"step {number}, `wait: operator`"
            if isinstance(step, Wait) and step.hears is not None:
                return f"step {number}, `hears`"
        return None

    def make_noise(self) -> Noise | None:
        """The background noise, at the level of this caller's own speech; raises `ScenarioError`."""
        if self.noise is None:
            return None
        levels = [self.clip(saying.say).speech_rms for saying in self.sayings()] or [1000.0]
        level = sum(levels) / len(levels)
        return Noise(self.source.parent / self.noise.wav, self.noise.snr_db, level)


def said_any(wanted: Sequence[str], said: str) -> bool:
    """Whether one of these texts is in what was said, upper and lower case alike."""
    return any(part.casefold() in said.casefold() for part in wanted)


def _flat(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step, IfAgentSays):
            yield from _flat(step.if_agent_says.then)
            yield from _flat(step.if_agent_says.otherwise)
