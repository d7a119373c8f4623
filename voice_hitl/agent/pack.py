"""Loading a pack: its files checked one by one and against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from handoff.commands import Notice
from voice_hitl.agent.corpus import Example, answers, examples, language_source
from voice_hitl.agent.languages import Language, available, load_language
from voice_hitl.agent.money import CURRENCIES, Currency
from voice_hitl.agent.pack_checks import check_agent, check_info
from voice_hitl.agent.pack_moderation import ModerationData, load_moderation
from voice_hitl.agent.spec import AgentSpec, PackInfo
from voice_hitl.agent.text import Tokens
from voice_hitl.agent.tools import check_tools
from voice_hitl.agent.wording import fill
from voice_hitl.agent.yaml_source import YamlSource
from voice_hitl.errors import PackError
from voice_hitl.language import LanguageSource

SHIPPED = Path(__file__).parent.parent / "packs"


@dataclass(frozen=True)
class Pack:
    """A pack, checked and ready."""

    path: Path
    info: PackInfo
    agent: AgentSpec
    policy: Mapping[str, Any]  # raw; `handoff.policy.Policy.from_mapping` judges it
    guidelines: str
    speech: Language  # what callers say whatever they call about
    moderation: ModerationData = field(default_factory=ModerationData)

    @property
    def name(self) -> str:
        """The pack's short name."""
        return self.info.name

    @property
    def policy_path(self) -> Path:
        """Where `policy` came from, for error messages."""
        return self.path / "policy.yaml"

    @property
    def scenarios_path(self) -> Path:
        """The folder of recorded callers; it may not exist."""
        return self.path / "scenarios"

    @property
    def currency(self) -> Currency:
        """The currency of all amounts."""
        return CURRENCIES[self.info.currency]

    @cached_property
    def greeting(self) -> tuple[str, ...]:
        """What is said first."""
        return tuple(fill(text, self.info.parameters) for text in self.info.greeting)

    @property
    def intents(self) -> dict[str, str]:
        """What callers come for: names, with a label for people."""
        return {name: spec.label for name, spec in self.agent.intents.items()}

    def label(self, intent: str) -> str:
        """An intent in words; what callers ask of any pack is labelled by the language."""
        spec = self.agent.intents.get(intent)
        if spec is not None:
            return spec.label
        return next(act.label for name, act in self.speech.spec.acts.items() if name == intent)

    def notice(self, notice: Notice, time: int = 0) -> str:
        """The words of a notice; `time` counts how often it was said, for other words."""
        texts = self.info.notices[notice]
        return fill(texts[time % len(texts)], self.info.parameters)

    def fixed_prompts(self) -> tuple[str, ...]:
        """Every sentence that is always said in the same words: worth synthesizing once."""
        texts: dict[str, None] = dict.fromkeys(self.greeting)
        fixed = [text for each in self.info.notices.values() for text in each]
        fixed += [text for _, each in self.info.prompts for text in each]
        fixed += [text for slot in self.agent.slots.values() for text in slot.ask]
        fixed += [slot.help for slot in self.agent.slots.values() if slot.help]
        for text in fixed:
            filled = fill(text, self.info.parameters)
            if "{" not in filled:
                texts[filled] = None
        return tuple(texts)

    def language(self) -> LanguageSource:
        """What callers of this pack may say: the material of the recognizer's language model."""
        return language_source(self.agent, self.speech, self.currency)

    def examples(self) -> list[Example]:
        """Training sentences of the intents."""
        return examples(self.agent, self.speech, self.currency)

    def answers(self) -> list[Tokens]:
        """Sentences that callers say within the flows, which belong to no intent."""
        return answers(self.agent, self.speech, self.currency)


def shipped_packs() -> tuple[str, ...]:
    """Names of the packs that come with the server."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/pack.yaml")))


def load_pack(name_or_path: str | Path) -> Pack:
    """Read and check a pack: the name of a shipped one, or a folder.

    Raises `PackError` with file, line and the mend.
    """
    path = _folder(name_or_path)
    info_source = YamlSource(path / "pack.yaml")
    info = info_source.validate(PackInfo)
    if info.language not in available():
        raise info_source.error(
            ("language",), f"no language '{info.language}'; use one of {', '.join(available())}"
        )
    agent_source = YamlSource(path / "agent.yaml")
    agent = agent_source.validate(AgentSpec)
    check_info(info_source, info)
    check_agent(agent_source, agent, info)
    if agent.tools:
        if info.tools is None:
            raise info_source.error(("tools",), "agent.yaml has tools; add 'tools: module:Class'")
        check_tools(info_source, agent_source, info.tools, agent.tools)
    guidelines = path / "guidelines.md"
    try:
        text = guidelines.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(
            f"{guidelines}: cannot be read: {error}; write what operators need"
        ) from error
    policy: Mapping[str, Any] = YamlSource(path / "policy.yaml").data
    speech = load_language(info.language)
    return Pack(path, info, agent, policy, text, speech, load_moderation(path))


def _folder(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    shipped = shipped_packs()
    if text in shipped:
        return SHIPPED / text
    path = Path(name_or_path)
    if (path / "pack.yaml").is_file():
        return path.resolve()
    if path.is_dir():
        raise PackError(f"{path}: is no pack: it has no pack.yaml; add one (see docs/packs.md)")
    raise PackError(f"no pack '{text}'; {_choices(shipped)}")


def _choices(shipped: Sequence[str]) -> str:
    return f"give the path of a pack's folder, or one of: {', '.join(shipped)}"
