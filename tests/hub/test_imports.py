"""What a serving hub loads: memory is for readings, not for libraries that training or tests want."""

import subprocess
import sys

PROGRAM = """
import sys
import hub.cli, hub.roles
heavy = {"scipy", "sklearn", "pandas", "matplotlib", "torch"} & set(sys.modules)
assert not heavy, heavy
"""


def test_every_role_is_imported_without_libraries_of_training() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
