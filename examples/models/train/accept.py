"""Holds the trained model against accept.json, which is committed before the run that it judges."""

import json
from pathlib import Path


def accept(out: Path, thresholds: dict, logits_deviation: float) -> None:
    """Prints a line a criterion; exits with 1 when one is not met."""
    records = json.loads((out / "induction-2l-checkpoints/manifest.json").read_text())["checkpoints"]
    first, last = records[0], records[-1]
    best = [max(max(row) for row in record["induction"]) for record in records]
    level = thresholds["phaseChange"]["inductionCrosses"]
    crossings = [i for i in range(1, len(best)) if best[i - 1] < level <= best[i]]
    size = lambda name: sum(path.stat().st_size for path in (out / name).rglob("*") if path.is_file())
    files = thresholds["checkpoints"]
    criteria = {
        "induction head": max(last["induction"][thresholds["induction"]["layer"]]) >= thresholds["induction"]["atLeast"],
        "previous-token head": max(last["previousToken"][thresholds["previousToken"]["layer"]]) >= thresholds["previousToken"]["atLeast"],
        "no such head at step 0": first["step"] == 0 and max(max(row) for key in ("induction", "previousToken") for row in first[key]) < thresholds["atStep0"]["below"],
        "phase change between two kept checkpoints": len(crossings) == 1,
        "loss of the second half": last["lossFirstHalf"] - last["lossSecondHalf"] >= thresholds["repeatGain"]["natsAtLeast"],
        "loss of the second copy of held-out text": last["lossTextFirstCopy"] - last["lossTextSecondCopy"] >= thresholds["textGain"]["natsAtLeast"],
        "export equals PyTorch": logits_deviation <= thresholds["export"]["logitsWithin"],
        "number of checkpoints": files["atLeast"] <= len(records) <= files["atMost"],
        "size of checkpoints": size("induction-2l-checkpoints") <= files["bytesAtMost"],
        "size of the folder": size("induction-2l") <= thresholds["folder"]["bytesAtMost"],
    }
    for name, holds in criteria.items():
        print(f"{'holds' if holds else 'FAILS'}: {name}")
    print(f"largest deviation of the exported logits: {logits_deviation:.2e}")
    if not all(criteria.values()):
        raise SystemExit(1)
