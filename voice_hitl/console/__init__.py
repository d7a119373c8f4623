"""The operators' console: TypeScript in this folder, built into `dist/` by the wheel's build hook."""

from __future__ import annotations

from pathlib import Path

from voice_hitl.errors import ConfigError


def dist() -> Path:
    """Return the folder of the built console: `index.html` and `assets/`.

    Raises `ConfigError` when the console was never built.
    """
    folder = Path(__file__).parent / "dist"
    if not (folder / "index.html").is_file():
        raise ConfigError(
            f"the console is not built ({folder} has no index.html): "
            "install again without VOICE_HITL_SKIP_CONSOLE"
        )
    return folder
