"""A copy of a DuckDB store while it runs: the file of the recent readings whole, closed days by another name for the
same file where that is possible. Called in the writer's thread with no compaction under way, so that nothing changes.
"""

import os
import shutil
from pathlib import Path

import duckdb

from telemetry.duckdb_file import DuckDbFile

SPILL = "spill"


def copy_store(file: DuckDbFile, target: Path) -> None:
    """Raises FileExistsError for a folder that is there already, OSError for a disk without room."""
    _fold_log(file)
    target.mkdir(parents=True, exist_ok=False)
    for source in sorted(file.folder.rglob("*")):
        inside = source.relative_to(file.folder)
        if inside.parts[0] == SPILL or not source.is_file():
            continue
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        if inside.parts[0] in (file.segments_folder.name, file.hours_folder.name):
            _link_or_copy(source, target / inside)
        else:
            shutil.copy2(source, target / inside)


def _fold_log(file: DuckDbFile) -> None:
    """Brings the write-ahead log into the file. With a long query under way it stays beside it, and is copied too."""
    cursor = file.cursor()
    try:
        cursor.execute("CHECKPOINT")
    except duckdb.TransactionException:
        return
    finally:
        cursor.close()


def _link_or_copy(source: Path, target: Path) -> None:
    """A segment never changes once it is written: a second name for it costs nothing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
