"""The handoff state of one call: who talks to the caller, and what happens to every event.

All transitions are in `TABLE`, which is total: every event has a row in every state, so no event can surprise
a live call. `docs/deciding.md` shows the diagram that `diagram()` draws from it. Nothing here judges the
conversation: the engine does, and tells the session `HandOffDecided`.
"""

from handoff.session.session import Session
from handoff.session.table import TABLE, diagram
from handoff.states import State

__all__ = ["TABLE", "Session", "State", "diagram"]
