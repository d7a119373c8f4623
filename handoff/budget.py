"""The budget controller: lambda, the price in V that keeps the routed share within the policy's band.

A slow integral controller with a dead band: over the last `window` calls, a share above the band raises the
price with every call, one below it lowers it, each until the share is a fifth of the band inside; otherwise
the price stays. It is bounded (no wind-up), stands still while an alarm is on, and never touches hard
triggers: they count in the share, and where they alone exceed the band the controller yields: the price goes
back to where it started, and the state says `conflict`.

    Budget.handle(event, now) -> price, share, state; take_commands() -> what to keep and to tell
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum

from handoff.commands import DecisionKind
from handoff.errors import ProtocolError
from handoff.intervals import Figure, share_figure, too_little
from handoff.policy import Policy

INSIDE = 0.2  # of the band's width: how far in the share must come before the price rests
CONFLICT_ENDS = 0.9  # of the band's upper end: below it hard triggers leave room again
LETTERS: dict[DecisionKind | None, str] = {
    None: "n",
    DecisionKind.SOFT: "s",
    DecisionKind.HARD: "h",
    DecisionKind.TAKEN_OVER: "t",
}


class BudgetState(StrEnum):
    """Where the routed share stands."""

    OFF = "off"
    STARTING = "starting"  # too few calls to say
    WITHIN = "within"
    ABOVE = "above"
    BELOW = "below"
    FROZEN = "frozen"
    CONFLICT = "conflict"


WORDS = {
    BudgetState.OFF: "the budget controller is off",
    BudgetState.STARTING: "too few calls so far to steer by",
    BudgetState.WITHIN: "the routed share is within its band",
    BudgetState.ABOVE: "too many calls are routed: handoffs grow dearer",
    BudgetState.BELOW: "few calls are routed: handoffs grow cheaper",
    BudgetState.FROZEN: "an alarm is on: the price of a handoff stands still",
    BudgetState.CONFLICT: "safety triggers alone exceed the budget: they go first; add people or widen "
    "the band",
}
AT_MOST = "too many calls are routed, and the price is at its most: add people or raise 'max_price'"
AT_LEAST = "few calls are routed, and the price is at its least"


@dataclass(frozen=True, slots=True)
class CallCounted:
    """A call ended; `routed`: what first handed it over, None if nothing did."""

    routed: DecisionKind | None


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """Something is wrong (drift warning, emergency): lambda must not chase it. `code` is one of a few."""

    code: str


@dataclass(frozen=True, slots=True)
class AlarmCleared:
    """That is over; clearing what was never raised does nothing."""

    code: str


BudgetEvent = CallCounted | AlarmRaised | AlarmCleared


@dataclass(frozen=True, slots=True)
class BudgetRecord:
    """All that a restart needs but the alarms, which whoever raised them raises again.

    `recent` has one letter a call, oldest first: n, s, h or t. `leaning` is within, above, below or conflict.
    """

    price: float
    recent: str
    leaning: BudgetState = BudgetState.WITHIN


@dataclass(frozen=True, slots=True)
class KeepBudget:
    """Store this in place of the last one."""

    record: BudgetRecord


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """The state is another one; for the dashboard."""

    state: BudgetState
    words: str
    price: float
    share: Figure


BudgetCommand = KeepBudget | BudgetChanged


class Budget:
    """One controller for all calls under one policy; it has no deadlines."""

    __slots__ = (
        "_alarms",
        "_base",
        "_commands",
        "_counts",
        "_leaning",
        "_policy",
        "_price",
        "_recent",
        "_since",
        "_state",
    )

    def __init__(self, policy: Policy, record: BudgetRecord | None = None) -> None:
        """`record`: the last one kept; without it lambda starts at `costs.price`.

        Raises `ValueError` on a record with other letters than n, s, h and t.
        """
        self._policy = policy.budget
        self._base = policy.costs.price
        self._price = self._clipped(record.price if record else self._base)
        self._recent: deque[DecisionKind | None] = deque(maxlen=policy.budget.window)
        letters = {letter: kind for kind, letter in LETTERS.items()}
        for letter in record.recent if record else "":
            if letter not in letters:
                raise ValueError(f"budget record: '{letter}' is not one of n, s, h, t")
            self._recent.append(letters[letter])
        self._counts = Counter(self._recent)
        self._alarms: set[str] = set()
        self._leaning = record.leaning if record else BudgetState.WITHIN
        self._commands: list[BudgetCommand] = []
        self._state = self._judge()
        self._since: float | None = None

    def handle(self, event: BudgetEvent, now: float) -> None:
        """Take in one event; raises `ProtocolError` for an unknown type of event."""
        match event:
            case CallCounted():
                self._count(event.routed)
            case AlarmRaised():
                self._alarms.add(event.code)
            case AlarmCleared():
                self._alarms.discard(event.code)
            case _:
                raise ProtocolError(f"the budget knows no event {type(event).__name__}")
        state = self._judge()
        if isinstance(event, CallCounted):
            self._steer(state)
            letters = "".join(LETTERS[routed] for routed in self._recent)
            self._commands.append(KeepBudget(BudgetRecord(self._price, letters, self._leaning)))
        if state is not self._state:
            self._state, self._since = state, now
            self._commands.append(BudgetChanged(state, self.words, self._price, self.share))

    def next_deadline(self) -> float | None:
        """None: nothing happens by itself."""
        return None

    def take_commands(self) -> list[BudgetCommand]:
        """What to do since the last call."""
        taken, self._commands = self._commands, []
        return taken

    @property
    def price(self) -> float:
        """Lambda for V, in cost units."""
        return self._price

    @property
    def share(self) -> Figure:
        """The routed share of the last `window` calls, hard triggers and takeovers included."""
        routed = len(self._recent) - self._counts[None]
        if len(self._recent) < self._enough:
            return too_little(len(self._recent))
        return share_figure(routed, len(self._recent))

    @property
    def hard_share(self) -> Figure:
        """What hard triggers alone routed."""
        if len(self._recent) < self._enough:
            return too_little(len(self._recent))
        return share_figure(self._counts[DecisionKind.HARD], len(self._recent))

    @property
    def state(self) -> BudgetState:
        """Where the share stands."""
        return self._state

    @property
    def since(self) -> float | None:
        """When the state began; None if it was so from the start."""
        return self._since

    @property
    def words(self) -> str:
        """The state in words."""
        if self._state is BudgetState.ABOVE and self._price >= self._policy.max_price:
            return AT_MOST
        if self._state is BudgetState.BELOW and self._price <= self._policy.min_price:
            return AT_LEAST
        return WORDS[self._state]

    # --- inside -----------------------------------------------------------------------------

    @property
    def _enough(self) -> int:
        return self._policy.window // 4

    def _count(self, routed: DecisionKind | None) -> None:
        if len(self._recent) == self._policy.window:
            self._counts[self._recent[0]] -= 1
        self._recent.append(routed)
        self._counts[routed] += 1

    def _judge(self) -> BudgetState:
        share, hard = self.share.value, self.hard_share.value
        if not self._policy.enabled:
            return BudgetState.OFF
        if share is None or hard is None:
            return BudgetState.FROZEN if self._alarms else BudgetState.STARTING
        self._leaning = self._lean(share, hard)
        # A conflict is said even while frozen: it is what a supervisor must know.
        if self._alarms and self._leaning is not BudgetState.CONFLICT:
            return BudgetState.FROZEN
        return self._leaning

    def _lean(self, share: float, hard: float) -> BudgetState:
        low, high, was = self._policy.low, self._policy.high, self._leaning
        if hard > high * (CONFLICT_ENDS if was is BudgetState.CONFLICT else 1.0):
            return BudgetState.CONFLICT
        if share > (self._upper_mark if was is BudgetState.ABOVE else high):
            return BudgetState.ABOVE
        if share < (self._lower_mark if was is BudgetState.BELOW else low):
            return BudgetState.BELOW
        return BudgetState.WITHIN

    def _steer(self, state: BudgetState) -> None:
        if self._alarms:
            return
        share = self.share.value or 0.0
        if state is BudgetState.ABOVE:
            self._price += self._policy.gain * (share - self._upper_mark)
        elif state is BudgetState.BELOW:
            self._price -= self._policy.gain * (self._lower_mark - share)
        elif state is BudgetState.CONFLICT:
            step = self._policy.gain * self._policy.high
            self._price += max(-step, min(step, self._base - self._price))
        self._price = self._clipped(self._price)

    @property
    def _upper_mark(self) -> float:
        return self._policy.high - INSIDE * (self._policy.high - self._policy.low)

    @property
    def _lower_mark(self) -> float:
        return self._policy.low + INSIDE * (self._policy.high - self._policy.low)

    def _clipped(self, price: float) -> float:
        if not self._policy.enabled:
            return self._base
        return max(self._policy.min_price, min(self._policy.max_price, price))
