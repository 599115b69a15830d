"""What a serving hub loads: memory is for readings, not for libraries that training or tests want."""

import subprocess
import sys

PROGRAM = """
import sys
import hub.cli, hub.roles
heavy = {"scipy", "sklearn", "pandas", "matplotlib", "torch"} & set(sys.modules)
assert not heavy, heavy
"""

# The process of models is a second one beside the hub: what it loads counts twice.
MODELS = """
import sys
import hub.models_alone
needless = {"fastapi", "uvicorn", "duckdb", "pyarrow", "scipy", "alembic", "ticketing", "rules", "hub.rooms", "typer"}
loaded = needless & set(sys.modules)
assert not loaded, loaded
"""


def test_every_role_is_imported_without_libraries_of_training() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


def test_the_process_of_models_knows_no_rooms_and_no_web_server() -> None:
    subprocess.run([sys.executable, "-c", MODELS], check=True, timeout=60)
