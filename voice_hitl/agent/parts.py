"""What all conversations of one pack's agent share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from voice_hitl.agent.completeness import Completeness
from voice_hitl.agent.frames import Walker
from voice_hitl.agent.pack import Pack
from voice_hitl.agent.reading import Reader
from voice_hitl.agent.slots import SlotReader
from voice_hitl.agent.tools import Toolbox
from voice_hitl.language import Expectation


@dataclass(frozen=True, slots=True)
class Parts:
    """Made once for each agent; nothing in it changes with a call."""

    pack: Pack
    reader: Reader
    walker: Walker
    slots: SlotReader
    completeness: Completeness
    toolbox: Toolbox
    expectations: Mapping[str, Expectation]  # of each slot, and "" for yes and no
    today: Callable[[], dt.date]
