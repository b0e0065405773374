"""The command line, and through it the same core without a page."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Mapping, Sequence

from .registry import HERE

PROGRAM = HERE / "cli" / "orrery.mjs"


def command(arguments: Sequence[str]) -> list[str]:
    """The command line as a list. RuntimeError when Node or the program is missing."""
    node = shutil.which("node")
    if node is None:
        raise RuntimeError("Node missing: 'node' is not on the PATH; computing without a page needs Node 20 or later")
    if not PROGRAM.is_file():
        raise RuntimeError(f"command line missing: '{PROGRAM}' is not there, run 'npm run build' in the repository")
    return [node, str(PROGRAM), *arguments]


def named_models(spec: Mapping[str, Any]) -> list[str]:
    """Paths of the models that a spec names besides its own: 'other', then the lines of 'others'."""
    lines = (line.strip() for line in (spec.get("others") or "").splitlines())
    return [path for path in (spec.get("other"), *lines) if path]


def run(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Runs one spec to the end and gives its MIME bundle. RuntimeError with the program's one sentence."""
    with tempfile.TemporaryDirectory() as folder:
        spec, out = Path(folder) / "spec.json", Path(folder) / "bundle.json"
        spec.write_text(json.dumps(payload), encoding="utf-8")
        model = Path(payload["model"]["path"]).resolve()
        others = [part for path in named_models(payload.get("spec") or {}) for part in ("--other", str(Path(path).resolve()))]
        line = command(["run", str(spec), "--model", str(model), *others, "--out", str(out)])
        done = subprocess.run(line, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"orrery ended with exit code {done.returncode}")
        bundle = json.loads(out.read_text(encoding="utf-8"))
        return bundle.get("data", bundle)
