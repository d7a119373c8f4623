from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.errors import SynthesisError
from voice_hitl.speech.cache import CachedSynthesizer, PromptCache
from voice_hitl.speech.voice import ProcessSynthesizer
from voice_hitl.speech.workers.pool import WorkerPool
from voice_hitl.speech.workers.process import EngineSpec

operations = st.lists(
    st.tuples(st.booleans(), st.sampled_from("ab"), st.sampled_from("123456"), st.integers(0, 70)),
    max_size=60,
)


@given(operations)
def test_the_store_is_bounded_and_forgets_the_least_recently_used(
    done: list[tuple[bool, str, str, int]],
) -> None:
    cache = PromptCache(max_bytes=100)
    model: OrderedDict[tuple[str, str], bytes] = OrderedDict()
    for put, voice, text, length in done:
        key = (voice, text)
        if put:
            cache.put(voice, text, bytes(length))
            model.pop(key, None)
            model[key] = bytes(length)
            while sum(map(len, model.values())) > 100:
                model.popitem(last=False)
        else:
            if key in model:
                model.move_to_end(key)
            assert cache.get(voice, text) == model.get(key)
        assert cache.size == sum(map(len, model.values())) <= 100
        assert len(cache) == len(model)


def test_a_clip_larger_than_the_store_is_not_kept_and_drops_its_elder() -> None:
    cache = PromptCache(max_bytes=10)
    cache.put("v", "t", b"old")
    cache.put("v", "t", bytes(11))
    assert cache.get("v", "t") is None
    assert (len(cache), cache.size) == (0, 0)


async def test_what_was_said_once_is_said_again_without_the_engine(toys: str) -> None:
    inner = ProcessSynthesizer("toy", WorkerPool(EngineSpec(f"{toys}:load_voice"), size=1))
    async with CachedSynthesizer(inner, voice="low") as voice:
        assert voice.name == "toy"
        assert voice.clip("hello there") is None
        await voice.prepare(["hello there"])
        await voice.aclose()
        assert voice.clip("hello there") == b"hellothere"
        assert [chunk async for chunk in voice.synthesize("hello there")] == [b"hellothere"]
        with pytest.raises(SynthesisError):
            await voice.prepare(["something new"])


async def test_a_sentence_that_broke_off_is_not_kept(toys: str) -> None:
    inner = ProcessSynthesizer("toy", WorkerPool(EngineSpec(f"{toys}:load_voice"), size=1))
    async with CachedSynthesizer(inner, voice="low") as voice:
        with pytest.raises(SynthesisError, match="choked"):
            await voice.prepare(["half and fail"])
        assert voice.clip("half and fail") is None
