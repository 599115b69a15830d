"""The engine's file below the store, where its threads meet."""

import threading
from pathlib import Path
from typing import Any

import pytest

from telemetry.duckdb_file import DuckDbFile, DuckDbLimits


def test_a_reader_that_comes_while_the_database_is_opened_anew_gets_a_cursor_of_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = DuckDbFile(tmp_path, DuckDbLimits())
    file.open()
    got: list[Any] = []
    reader = threading.Thread(target=lambda: got.append(file.cursor()))
    connect = file._connect

    def connect_slowly() -> None:
        reader.start()
        reader.join(0.2)
        connect()

    monkeypatch.setattr(file, "_connect", connect_slowly)
    file._is_broken = True
    file.rotate()
    reader.join()
    assert got[0].execute("SELECT count(*) FROM fresh").fetchone() == (2,)
    file.close()
