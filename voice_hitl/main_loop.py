"""How a program's main coroutine is run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_main(main: Coroutine[Any, Any, Result]) -> Result:
    """Run on uvloop where there is one; a lone error comes out of its groups as itself."""
    try:
        if os.name == "nt":
            return asyncio.run(main)
        import uvloop

        return uvloop.run(main)
    except BaseExceptionGroup as group:
        lone: BaseException = group
        while isinstance(lone, BaseExceptionGroup) and len(lone.exceptions) == 1:
            lone = lone.exceptions[0]
        raise lone from None
