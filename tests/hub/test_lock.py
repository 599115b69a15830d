from pathlib import Path

import pytest

from hub.lock import AlreadyRunning, folder_lock, is_locked


def test_a_second_hub_on_the_same_folder_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    with folder_lock(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(AlreadyRunning, match=r"pid \d+.*HUB_VAR"), folder_lock(tmp_path):
            pass
    assert not is_locked(tmp_path)


def test_a_lock_file_left_behind_locks_nothing(tmp_path: Path) -> None:
    (tmp_path / "hub.lock").write_text("12345")
    with folder_lock(tmp_path):
        pass
