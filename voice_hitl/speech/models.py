"""Recognition models on this machine: finds those that are there, fetches one when told to.

Only `pull_model` touches the network.
"""

from __future__ import annotations

from pathlib import Path

from voice_hitl.errors import ConfigError

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
_VOCABULARY = ("vocabulary.json", "vocabulary.txt")
_FETCHED = (
    "config.json",
    "model.bin",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocabulary.*",
)
# Best first for telephone speech in real time on a few CPU cores: English-only before multilingual,
# larger before smaller up to `small`; what is slower than speech there comes last.
_FETCHED = (
    "config.json",
    "model.bin",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocabulary.*",
)
_PREFERENCE = (
    *("small.en", "distil-small.en", "small", "base.en", "base", "tiny.en", "tiny"),
    *("medium.en", "distil-medium.en", "medium", "large-v3-turbo", "distil-large-v3"),
    *("distil-large-v2", "large-v3", "large-v2", "large-v1"),
)


def missing_files(folder: Path) -> list[str]:
    """Return which files of a faster-whisper model `folder` lacks; the folder itself if it is none."""
    if not folder.is_dir():
        return ["the folder"]
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in _VOCABULARY):
        missing.append(_VOCABULARY[0])
    return missing


def find_whisper_model(configured: Path | None = None, cache: Path | None = None) -> Path | None:
    """Return the folder of a faster-whisper model, or None if none is on this machine.

    `configured` is taken as it is (`ConfigError` if it holds no model). Otherwise the Hugging Face
    cache is looked through (`cache`, or where HF_HOME and HF_HUB_CACHE put it) for complete
    models named `faster-whisper-…` or `faster-distil-whisper-…`, and the best for a telephone is taken.
    """
    if configured is not None:
        if missing := missing_files(configured):
            raise ConfigError(
                f"whisper_model = {str(configured)!r} is no faster-whisper model: "
                f"{', '.join(missing)} missing"
            )
        return configured
    found = _cached(cache)
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _cached(cache: Path | None) -> list[tuple[tuple[int, str], Path]]:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir(cache).repos
    except CacheNotFound:
        return []
    found = []
    for repository in repositories:
        name = model_name(repository.repo_id)
        if repository.repo_type != "model" or name is None:
            continue
        revisions = sorted(repository.revisions, key=lambda r: r.last_modified, reverse=True)
        folder = next(
            (r.snapshot_path for r in revisions if not missing_files(r.snapshot_path)), None
        )
        if folder is not None:
            rank = _PREFERENCE.index(name) if name in _PREFERENCE else len(_PREFERENCE)
            found.append(((rank, repository.repo_id), Path(folder)))
    return found


def describe(folder: Path) -> str:
    """Return a short name of a model folder: "small.en" of one in the cache, else the folder's own."""
    if folder.parent.name == "snapshots":
        repository = folder.parent.parent.name.removeprefix("models--").replace("--", "/")
        return model_name(repository) or repository
    return folder.name


def model_name(repository: str) -> str | None:
    """Return "small.en" for "Systran/faster-whisper-small.en", None for what is no such model."""
    name = repository.rpartition("/")[2]
    if name.startswith("faster-whisper-"):
        return name.removeprefix("faster-whisper-")
    if name.startswith("faster-distil-whisper-"):
        return "distil-" + name.removeprefix("faster-distil-whisper-")
    return None


def repository_name(name: str) -> str:
    """Return the repository of a model: "small.en" is "Systran/faster-whisper-small.en"."""
    if "/" in name:
        return name
    if name in ("turbo", "large-v3-turbo"):
        return "mobiuslabsgmbh/faster-whisper-large-v3-turbo"
    if name.startswith("distil-"):
        return f"Systran/faster-distil-whisper-{name.removeprefix('distil-')}"
    return f"Systran/faster-whisper-{name}"


def pull_model(name: str, into: Path | None = None) -> Path:
    """Fetch a model, with a progress bar, into a folder or the Hugging Face cache; return its folder.

    `name` is a size ("small.en") or a repository ("owner/name"). Blocks; what was fetched before is
    not fetched again. Raises `ConfigError` if there is no such model or no way to it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository = repository_name(name)
    try:
        folder = Path(snapshot_download(repository, local_dir=into, allow_patterns=list(_FETCHED)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ConfigError(
            f"{repository} could not be fetched: {str(error).splitlines()[0]}"
        ) from error
    if missing := missing_files(folder):
        raise ConfigError(f"{repository} is no faster-whisper model: {', '.join(missing)} missing")
    return folder
