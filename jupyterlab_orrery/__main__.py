"""`python -m jupyterlab_orrery …` is the command line `orrery …`."""

import subprocess
import sys

from .headless import command


def main() -> int:
    try:
        line = command(sys.argv[1:])
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        return subprocess.run(line, check=False).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
