"""Which automated things are looked at afterwards, and with what probability exactly.

p = uniform + by_risk * risk / (mean risk of those before), at most 1. The mean is of the past alone, so p is
settled before the draw and does not depend on it: that makes inverse-propensity estimates unbiased. On
average over a steady mix of risks the second term is `by_risk`. It falls short where risks are so uneven that
p reaches 1, and is off while the mix changes: by 20 % over 20,000 items whose risk rises tenfold.
"""

from __future__ import annotations

from dataclasses import dataclass

from handoff.policy import Policy
from handoff.sampling import draw

LEAST_RISK = (
    0.01  # taken for less, so that a floor without any risk is audited at the same mean rate
)
PRIOR_RISK = 0.2  # mean risk before anything was seen ...
PRIOR_WEIGHT = 5  # ... which counts for so many items
MEMORY = 2000  # items over which the mean forgets


@dataclass(frozen=True, slots=True)
class SamplerState:
    """All that the sampler remembers: enough to go on after a restart."""

    seen: int = 0
    mean_risk: float = PRIOR_RISK


@dataclass(frozen=True, slots=True)
class Draw:
    """Whether something is audited, and the probability with which that was decided."""

    chosen: bool
    propensity: float


class Sampler:
    """Draws by keyed hash of the id; ask once for each id."""

    __slots__ = ("_key", "_policy", "state")

    def __init__(self, policy: Policy, *, key: bytes, state: SamplerState | None = None) -> None:
        """`key`: secret bytes; raises `ValueError` for none."""
        if not key:
            raise ValueError("the sampling key is empty: give some secret bytes")
        self.state = state or SamplerState()
        self._policy = policy.audit
        self._key = key

    def propensity(self, risk: float) -> float:
        """The probability for the next item; raises `ValueError` for a risk outside [0, 1]."""
        if not 0.0 <= risk <= 1.0:
            raise ValueError(f"a risk lies between 0 and 1, not {risk}")
        relative = max(risk, LEAST_RISK) / self.state.mean_risk
        return min(1.0, self._policy.uniform + self._policy.by_risk * relative)

    def draw(self, item_id: str, risk: float) -> Draw:
        """Draw for an item, and count its risk for those after it. Errors as in `propensity`."""
        propensity = self.propensity(risk)
        seen, mean = self.state.seen + 1, self.state.mean_risk
        mean += (max(risk, LEAST_RISK) - mean) / min(seen + PRIOR_WEIGHT, MEMORY)
        self.state = SamplerState(seen, mean)
        return Draw(draw(self._key, "audit", item_id) < propensity, propensity)
