"""A whisper model of a few hundred kilobytes with random weights, written without torch.

It understands nothing, but everything around it is real: files, loading, features, beam search,
token rules, alignment. Run as a script with a folder to write one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.model_spec import OPTIONAL
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

_WIDTH, _HEADS, _LAYERS, _MELS = 64, 2, 2, 80
_SPECIAL = (
    *("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>"),
    *("<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"),
)
_TEXT = ("i lost my card", "what is my balance", "transfer fifty dollars to savings", "yes", "no")


def write_tiny_whisper(folder: Path, seed: int = 7) -> Path:
    """Write the model into `folder`, which is made, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = _write_tokenizer(folder / "tokenizer.json", _TEXT)
    spec = WhisperSpec(_LAYERS, _HEADS, _LAYERS, _HEADS)
    _fill(spec, np.random.default_rng(seed), tokens)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokens.index("<|endoftext|>")]
    spec.config.lang_ids = [tokens.index("<|en|>")]
    spec.config.alignment_heads = [(1, 0), (1, 1)]
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"feature_size": _MELS, "sampling_rate": 16000, "hop_length": 160, "n_fft": 400})
    )
    return folder


def _write_tokenizer(path: Path, text: Sequence[str]) -> list[str]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        text,
        trainers.BpeTrainer(
            vocab_size=320,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    times = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in (*_SPECIAL, *times)])
    tokenizer.save(str(path))
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _fill(spec: WhisperSpec, random: np.random.Generator, tokens: Sequence[str]) -> None:
    """Give every weight that a converted model has a random value of the right shape."""

    def weights(*shape: int) -> Any:
        return random.normal(0, 0.2, shape).astype(np.float32)

    def linear(layer: Any, inputs: int, outputs: int) -> None:
        layer.weight, layer.bias = weights(outputs, inputs), weights(outputs)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(_WIDTH, np.float32), np.zeros(_WIDTH, np.float32)

    def attention(layer: Any, *, across: bool) -> None:
        norm(layer.layer_norm)
        if across:
            linear(layer.linear[0], _WIDTH, _WIDTH)
            linear(layer.linear[1], _WIDTH, 2 * _WIDTH)
        else:
            linear(layer.linear[0], _WIDTH, 3 * _WIDTH)
        linear(layer.linear[-1], _WIDTH, _WIDTH)

    def forward(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, _WIDTH, 4 * _WIDTH)
        linear(layer.linear_1, 4 * _WIDTH, _WIDTH)

    for conv, inputs in ((spec.encoder.conv1, _MELS), (spec.encoder.conv2, _WIDTH)):
        conv.weight, conv.bias = weights(_WIDTH, inputs, 3), weights(_WIDTH)
    spec.encoder.position_encodings.encodings = weights(1500, _WIDTH)
    spec.decoder.position_encodings.encodings = weights(448, _WIDTH)
    norm(spec.encoder.layer_norm)
    norm(spec.decoder.layer_norm)
    for layer in spec.encoder.layer:
        attention(layer.self_attention, across=False)
        forward(layer.ffn)
    for layer in spec.decoder.layer:
        attention(layer.self_attention, across=False)
        attention(layer.attention, across=True)
        forward(layer.ffn)
    spec.decoder.embeddings.weight = weights(len(tokens), _WIDTH)
    spec.decoder.projection.weight = weights(len(tokens), _WIDTH)
    # Times and marks are five times as many as words; without help nothing would be said.
    spec.decoder.projection.bias = np.array(
        [6.0 if token.startswith("Ġ") else -4.0 for token in tokens], np.float32
    )
    assert spec.decoder.projection.weight_scale == OPTIONAL


if __name__ == "__main__":
    write_tiny_whisper(Path(sys.argv[1]))
