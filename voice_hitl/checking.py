"""`voice-hitl check`: what is in force, and what is wrong with it, before the first caller finds out."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from handoff.errors import PolicyError
from handoff.policy import Policy
from voice_hitl.agent.ladder import check_names, rung_name
from voice_hitl.agent.pack import Pack, load_pack
from voice_hitl.agent.pack_moderation import train_scorer
from voice_hitl.config import Config
from voice_hitl.errors import PackError, VoiceHitlError
from voice_hitl.server.http import CONSOLE_FILES
from voice_hitl.speech.models import describe, find_whisper_model


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `good=None` is a remark."""

    what: str
    good: bool | None
    words: str


def show_policy(config: Config, console: Console) -> None:
    """Print every field of the policy in force; raises `PackError` or `PolicyError`."""
    pack = load_pack(config.agent.pack)
    policy = Policy.from_mapping(pack.policy, str(pack.policy_path))
    console.print(f"Policy {policy.name}, version {policy.version}", markup=False)
    values = policy.model_dump(mode="json") | {"high_risk": sorted(policy.high_risk)}
    for name, value in _flat(values):
        console.print(f"  {name} = {value}", markup=False, highlight=False, soft_wrap=True)


def _flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every value by its dotted name, as JSON."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(value, ensure_ascii=False)


def check_all(config: Config, console: Console) -> bool:
    """Print the configuration and every finding; return whether the server can run."""
    table = Table("setting", "value", title="In force", title_justify="left")
    for section, value in config.model_dump().items():
        if isinstance(value, dict):
            for key, inner in value.items():
                table.add_row(f"{section}.{key}", "" if inner is None else str(inner))
        else:
            table.add_row(section, str(value))
    console.print(table)
    findings = [found for look in CHECKS for found in look(config)]
    for finding in findings:
        mark = {True: "[green]ok  [/]", False: "[red]FAIL[/]", None: "[yellow]note[/]"}
        console.print(f"{mark[finding.good]} {finding.what}: ", end="")
        console.print(finding.words, markup=False, highlight=False, soft_wrap=True)
    return all(finding.good is not False for finding in findings)


def _data_folder(config: Config) -> list[Finding]:
    """Looks only: a folder that is not there may be a slip, and the server makes it."""
    folder = config.data_dir.resolve()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "no right to write" if there.is_dir() else f"{there} is a file"
        words = f"{config.data_dir} cannot be written ({why}); choose another --data"
        return [Finding("data folder", False, words)]
    if there != folder:
        return [Finding("data folder", True, f"{folder}; not there yet, `serve` makes it")]
    try:
        with tempfile.TemporaryFile(dir=config.data_dir):
            pass
    except OSError as error:
        words = f"{config.data_dir} cannot be written ({error.strerror}); choose another --data"
        return [Finding("data folder", False, words)]
    findings = [Finding("data folder", True, str(config.data_dir.resolve()))]
    if config.data_dir.stat().st_mode & 0o077:
        words = "others on this machine may look into it, and it holds what callers said: chmod 700"
        findings.append(Finding("its rights", None, words))
    return findings


def _pack(config: Config) -> list[Finding]:
    try:
        pack = load_pack(config.agent.pack)
        policy = Policy.from_mapping(pack.policy, str(pack.policy_path))
    except (VoiceHitlError, PolicyError) as error:
        return [Finding("pack", False, str(error))]
    intents = len(pack.agent.intents)
    return [
        Finding("pack", True, f"{pack.name} ({intents} intents) from {pack.path}"),
        Finding("policy", True, f"{policy.name}, version {policy.version}"),
        _moderation(pack, policy),
        *_ladder(config, policy),
    ]


def _ladder(config: Config, policy: Policy) -> list[Finding]:
    if not config.agent.ladder:
        return []
    names = [rung_name(path) for path in config.agent.ladder]
    try:
        check_names(names, policy)
    except PolicyError as error:
        return [Finding("ladder", False, str(error))]
    words = f"{', then '.join(names)}, within {policy.ladder.budget:g} s a turn"
    return [Finding("ladder", True, words)]


def _moderation(pack: Pack, policy: Policy) -> Finding:
    """What judges each sentence; a classifier is trained, to see whether it can be used."""
    try:
        trained = train_scorer(pack.moderation, policy.moderation.share)
    except PackError as error:
        return Finding("moderation", False, str(error))
    known = len(pack.moderation.known)
    if trained is None:
        words = f"{known} known texts, patterns of the agent's leaks, no classifier"
        return Finding("moderation", True, words)
    words = (
        f"{known} known texts, patterns of the agent's leaks, classifier of "
        f"{len(pack.moderation.examples)} examples (unseen ones: AUC {trained.auc:.2f})"
    )
    return Finding("moderation", True, words)


def _recognizer(config: Config) -> list[Finding]:
    if config.speech.recognizer == "sphinx":
        return [Finding("recognizer", True, "embedded (sphinx)")]
    try:
        model = find_whisper_model(config.speech.whisper_model)
    except VoiceHitlError as error:
        return [Finding("recognizer", False, str(error))]
    if model is not None:
        return [Finding("recognizer", True, f"whisper {describe(model)} from {model}")]
    if config.speech.recognizer == "whisper":
        words = "no whisper model on this machine; `voice-hitl models pull small.en` fetches one"
        return [Finding("recognizer", False, words)]
    return [Finding("recognizer", True, "embedded (sphinx); no whisper model on this machine")]


def _voice(config: Config) -> list[Finding]:
    if importlib.util.find_spec("espeakng_loader") is None:
        words = 'no synthesizer is installed; pip install "voice-hitl[espeak]"'
        return [Finding("voice", False, words)]
    return [Finding("voice", True, f"espeak, {config.voice.rate} words a minute")]


def _console(_config: Config) -> list[Finding]:
    if not (CONSOLE_FILES / "index.html").is_file():
        return [Finding("console", False, "not built; run `pip install .` again")]
    return [Finding("console", True, "built")]


def _telephony(config: Config) -> list[Finding]:
    token, url = config.twilio.auth_token, config.server.public_url
    if token is None:
        words = "no twilio.auth_token: only callers on this machine are accepted"
        return [Finding("telephony", None, words)]
    if url is None:
        words = "twilio.auth_token is set, server.public_url is not: signatures cannot be checked"
        return [Finding("telephony", False, words)]
    if not url.startswith("https://"):
        return [
            Finding("telephony", None, f"{url} is not https: Twilio refuses plain http streams")
        ]
    if config.twilio.fallback_number is None:
        words = "no twilio.fallback_number: a call that cannot be served is told so and ended"
        return [Finding("telephony", None, words)]
    return [Finding("telephony", True, f"Twilio calls {url}/twilio/voice")]


def _workers(config: Config) -> list[Finding]:
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if config.speech.workers > cores:
        words = f"speech.workers = {config.speech.workers} on {cores} cores: they will wait for each other"
        return [Finding("workers", None, words)]
    return []


CHECKS: tuple[Callable[[Config], list[Finding]], ...] = (
    _data_folder,
    _pack,
    _recognizer,
    _voice,
    _console,
    _telephony,
    _workers,
)
