"""The door to the `hub` command: what must start within a moment goes past the libraries of the others."""

import os
import sys


def main() -> int | None:
    """Runs the command of this process. `hub detect` reads one CSV a run, and thousands of them may be run."""
    if sys.argv[1:] == ["detect"]:
        from predictive.csv_runs import main as detect

        return detect(os.environ)
    from hub.cli import main as run

    run()
    return None
