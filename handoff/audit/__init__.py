"""Post-hoc audit: a sample of what was automated is judged by people, and gives unbiased error rates.

Facts that users rely on: the logged propensity is exactly the one used; nobody audits a call that they had a
part in; an item is shown to one auditor at a time and judged once. Bounded: beyond `max_open` open audits
nothing more is drawn, and what comes then is kept as skipped, with propensity 0. Closed audits are forgotten.
"""

from __future__ import annotations

from handoff.audit.audits import (
    Audits,
    answer_of,
    error_rates,
)
from handoff.audit.estimates import (
    Audited,
    ErrorRate,
    Estimate,
    error_rate,
)
from handoff.audit.messages import (
    AuditCommand,
    AuditEvent,
    AuditItem,
    AuditorAnswers,
    AuditorAsks,
    AuditorLeft,
    AuditRecord,
    AuditState,
    AuditVerdict,
    Automated,
    CallHandledBy,
    KeepAudit,
    NothingToAudit,
    Referred,
    RefuseAudit,
    ShowAudit,
    WithdrawAudit,
)
from handoff.audit.sampler import (
    Draw,
    Sampler,
    SamplerState,
)

__all__ = [
    "AuditCommand",
    "AuditEvent",
    "AuditItem",
    "AuditRecord",
    "AuditState",
    "AuditVerdict",
    "Audited",
    "AuditorAnswers",
    "AuditorAsks",
    "AuditorLeft",
    "Audits",
    "Automated",
    "CallHandledBy",
    "Draw",
    "ErrorRate",
    "Estimate",
    "KeepAudit",
    "NothingToAudit",
    "Referred",
    "RefuseAudit",
    "Sampler",
    "SamplerState",
    "ShowAudit",
    "WithdrawAudit",
    "answer_of",
    "error_rate",
    "error_rates",
]
