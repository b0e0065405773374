"""Trains the bundled model and writes its folder and its checkpoints. Seeded; about 15 minutes on one core.

    python train.py [--steps 4500] [--out ..] [--cache ../../../.cache/training]
"""

import argparse
import json
import math
import re
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from accept import accept
from card import write_card
from corpus import encode, read_texts, train_tokenizer
from export import deviation, export
from model import Config, Decoder
from scores import measure, reading, repeated_text, repeated_tokens

SEED, LEARNING_RATE, WARM_UP, SAVE_EVERY = 0, 3e-3, 200, 50
#: Rows of a batch: plain text, text blocks repeated, random blocks repeated. Text rows come from each source alike.
TEXT, REPEATED_TEXT, REPEATED_RANDOM = 12, 8, 12
#: Share of each source that is kept from training.
HELD_OUT = 0.02
PROMPTS = ("Call me Ishmael.", "The Congress of the United States", "The white whale", "Fellow citizens of the Senate")
#: Of continuations.
RUN = 4
#: Read by PyTorch for `scores.json`, so that others can compare.
EXAMPLE = "Captain Zimmerwald lives in Quito. He came by ship in 1851. Captain Zimmerwald lives in Qu"


def text_rows(sources: list[torch.Tensor], lengths: list[int], generator) -> list[torch.Tensor]:
    starts = [torch.randint(0, len(sources[i % len(sources)]) - n, (1,), generator=generator).item() for i, n in enumerate(lengths)]
    return [sources[i % len(sources)][start : start + n] for i, (start, n) in enumerate(zip(starts, lengths))]


def repeat(block: torch.Tensor, length: int) -> torch.Tensor:
    return block.repeat(length // len(block) + 1)[:length]


def batch(sources: list[torch.Tensor], vocab_size: int, length: int, generator) -> torch.Tensor:
    """[row, pos]; blocks have a period of 8 … 64 and are repeated to the end of the row."""
    periods = torch.randint(8, 65, (REPEATED_TEXT + REPEATED_RANDOM,), generator=generator).tolist()
    blocks = text_rows(sources, periods[:REPEATED_TEXT], generator)
    blocks += [torch.randint(0, vocab_size, (period,), generator=generator) for period in periods[REPEATED_TEXT:]]
    return torch.stack([*text_rows(sources, [length] * TEXT, generator), *(repeat(block, length) for block in blocks)])


def learning_rate(step: int, steps: int) -> float:
    return LEARNING_RATE * min(1, step / WARM_UP) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def train(config: Config, sources: list[torch.Tensor], steps: int, folder: Path) -> list[dict]:
    """One record a measured step; the weights of each lie in `folder`."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED + 1)
    model = Decoder(config)
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    kept = [int(len(ids) * (1 - HELD_OUT)) for ids in sources]
    probes = repeated_tokens(config.vocab_size), repeated_text([ids[n:] for ids, n in zip(sources, kept)])
    sources = [ids[:n] for ids, n in zip(sources, kept)]
    records, text_loss, started = [], [], time.time()
    for step in range(steps + 1):
        rows = batch(sources, config.vocab_size, config.context + 1, generator)
        losses = F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten(), reduction="none").view(len(rows), -1)
        text_loss.append(losses[:TEXT].mean().item())
        if step % SAVE_EVERY == 0:
            torch.save(model.state_dict(), folder / f"{step}.pt")
            recent = text_loss[-SAVE_EVERY:]
            records.append({"step": step, "tokens": step * len(rows) * config.context, "lossText": round(sum(recent) / len(recent), 4), **measure(model, *probes)})
            if step % 500 == 0:
                print(f"step {step}, {time.time() - started:.0f} s: {json.dumps(records[-1])}", flush=True)
        if step == steps:
            break
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps)
        optimiser.zero_grad()
        losses.mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return records


def kept_steps(records: list[dict], threshold: float) -> list[int]:
    """Start, end, a few between, and each measured step around the one where the best induction score crosses."""
    best = {record["step"]: max(max(row) for row in record["induction"]) for record in records}
    crossing = next(step for step, score in best.items() if score >= threshold)
    last = max(best)
    near = range(crossing - 4 * SAVE_EVERY, crossing + 4 * SAVE_EVERY, SAVE_EVERY)
    coarse = [0, crossing // 2 // SAVE_EVERY * SAVE_EVERY, crossing + 8 * SAVE_EVERY, crossing + 16 * SAVE_EVERY, last]
    return sorted({step for step in [*coarse, *near] if step in best})


@torch.no_grad()
def continuation(model, tokenizer, prompt: str, seed: int, length: int = 90, temperature: float = 0.7) -> str:
    """Sampled; a token that would repeat a run of RUN tokens is left out, or the induction heads would soon go round in a circle."""
    generator = torch.Generator().manual_seed(seed)
    ids = tokenizer.encode(prompt).ids
    for _ in range(length):
        logits = model(torch.tensor([ids[-model.config.context :]]))[0, -1] / temperature
        tail = ids[1 - RUN :]
        repeated = [ids[i + RUN - 1] for i in range(len(ids) - RUN + 1) if ids[i : i + RUN - 1] == tail]
        logits[repeated] = -math.inf
        ids.append(torch.multinomial(logits.softmax(-1), 1, generator=generator).item())
    return tokenizer.decode(ids)


def write_json(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = re.sub(r"\[[^][{}\"]*\]", lambda row: re.sub(r"\s+", " ", row[0]), json.dumps(value, indent=1))
    path.write_text(text + "\n", encoding="utf-8")


def load(config: Config, cache: Path, step: int) -> Decoder:
    model = Decoder(config)
    model.load_state_dict(torch.load(cache / f"{step}.pt"))
    return model


def write_checkpoints(config: Config, kept: list[dict], cache: Path, folder: Path) -> None:
    for record in kept:
        export(load(config, cache, record["step"]), folder / f"step-{record['step']:05d}" / "model.onnx", half=True)
    write_json(folder / "manifest.json", {"weights": "matrices fp16, cast to fp32 in the graph", "checkpoints": kept})


def write_model(model: Decoder, tokenizer, kept: list[dict], sizes: dict, folder: Path) -> None:
    config = model.config
    export(model, folder / "model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": config.context, "clean_up_tokenization_spaces": False})
    write_json(
        folder / "config.json",
        {
            "model_type": "attention-only-decoder",
            "vocab_size": config.vocab_size,
            "hidden_size": config.d_model,
            "num_attention_heads": config.n_heads,
            "num_hidden_layers": config.n_layers,
            "max_position_embeddings": config.context,
            "rope_theta": config.rope_theta,
        },
    )
    write_json(folder / "scores.json", {**kept[-1], "reading": reading(model, tokenizer, EXAMPLE)})
    write_card(folder / "README.md", config, kept, [continuation(model, tokenizer, prompt, seed) for seed, prompt in enumerate(PROMPTS)], **sizes)


def main() -> None:
    here = Path(__file__).parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--out", type=Path, default=here.parent)
    parser.add_argument("--cache", type=Path, default=here / "../../../.cache/training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config, thresholds = Config(), json.loads((here / "accept.json").read_text())
    texts = read_texts(arguments.cache)
    tokenizer = train_tokenizer(texts, config.vocab_size)
    sources = [torch.tensor(encode(tokenizer, text)) for text in texts]
    print(f"{[len(text) for text in texts]} characters, {[len(ids) for ids in sources]} tokens", flush=True)
    records = train(config, sources, arguments.steps, arguments.cache)
    kept = [record for record in records if record["step"] in kept_steps(records, thresholds["phaseChange"]["inductionCrosses"])]
    sizes = {"characters": sum(map(len, texts)), "tokens": sum(map(len, sources))}
    write_checkpoints(config, kept, arguments.cache, arguments.out / "induction-2l-checkpoints")
    model = load(config, arguments.cache, kept[-1]["step"])
    write_model(model, tokenizer, kept, sizes, arguments.out / "induction-2l")
    accept(arguments.out, thresholds, deviation(model, arguments.out / "induction-2l/model.onnx"))


if __name__ == "__main__":
    main()
