"""JupyterLab and Notebook for the browser tests, on a copy of the examples and of small models."""

import json
import os
import shutil
import sys
from pathlib import Path

from jupyterlab.galata import configure_jupyter_server

c = get_config()  # noqa: F821
configure_jupyter_server(c)

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
PORT = int(os.environ["ORRERY_PORT"])
# Without links: the server refuses files whose real path lies elsewhere.
CACHE = (REPOSITORY / ".cache").resolve() / f"lab-{PORT}"
ROOT = CACHE / "root"
FIXTURES = ["gpt2-hub", "bert-hub", "refusals"]

# A server that starts anew may find what the one before it left.
if os.environ.get("ORRERY_KEEP_ROOT") != "1":
    shutil.rmtree(ROOT, ignore_errors=True)
    shutil.copytree(REPOSITORY / "examples", ROOT, ignore=shutil.ignore_patterns("real", "checkpoints", "train"))
    for name in FIXTURES:
        source = REPOSITORY / "test" / "fixtures" / "models" / name
        if source.is_dir():
            shutil.copytree(source, ROOT / "models" / name)
    REAL = REPOSITORY / "examples" / "models" / "real"
    if REAL.is_dir():
        shutil.copytree(REAL, ROOT / "models" / "real", copy_function=os.link)
    (ROOT / "models" / "empty").mkdir()
    (ROOT / "models" / "no-tokenizer").mkdir()
    shutil.copy(ROOT / "models" / "gpt2-hub" / "model.onnx", ROOT / "models" / "no-tokenizer")
    (ROOT / "models" / "words.onnx").write_text("these are words, not a model\n")
    (ROOT / "models" / "cut.onnx").write_bytes((ROOT / "models" / "gpt2-hub" / "model.onnx").read_bytes()[:5000])

# On JUPYTER_PATH: the extension as it is built now, whatever is built while the tests run, and another kernel.
DATA = CACHE / "data"
shutil.rmtree(DATA, ignore_errors=True)
shutil.copytree(REPOSITORY / "jupyterlab_orrery" / "labextension", DATA / "labextensions" / "jupyterlab-orrery")
echo = DATA / "kernels" / "echo"
echo.mkdir(parents=True)
argv = [sys.executable, str(HERE / "echo_kernel.py"), "-f", "{connection_file}"]
spec = {"argv": argv, "display_name": "Echo", "language": "echo"}
(echo / "kernel.json").write_text(json.dumps(spec))

c.ServerApp.root_dir = str(ROOT)
c.ServerApp.port = PORT
c.ServerApp.allow_root = True
c.JupyterNotebookApp.expose_app_in_browser = True
c.Application.log_level = "ERROR"
