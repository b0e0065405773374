"""JupyterLab and Notebook for the browser tests, on a copy of the examples and of small models."""

import os
import shutil
from pathlib import Path

from jupyterlab.galata import configure_jupyter_server

configure_jupyter_server(c)  # noqa: F821

REPOSITORY = Path(__file__).resolve().parents[1]
ROOT = REPOSITORY / ".cache" / "ui-tests"
FIXTURES = ["gpt2-hub", "bert-hub", "refusals"]

shutil.rmtree(ROOT, ignore_errors=True)
shutil.copytree(REPOSITORY / "examples", ROOT, ignore=shutil.ignore_patterns("real", "checkpoints", "train"))
for name in FIXTURES:
    source = REPOSITORY / "test" / "fixtures" / "models" / name
    if source.is_dir():
        shutil.copytree(source, ROOT / "models" / name)

c.ServerApp.root_dir = str(ROOT)  # noqa: F821
c.ServerApp.port = int(os.environ.get("ORRERY_PORT", "8989"))  # noqa: F821
c.ServerApp.allow_root = True  # noqa: F821
c.JupyterNotebookApp.expose_app_in_browser = True  # noqa: F821
# An output takes time to compute, not to be answered: a slow machine must not close idle sockets.
c.ServerApp.log_level = "ERROR"  # noqa: F821
