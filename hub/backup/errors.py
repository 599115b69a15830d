"""Why a backup is not made, not trusted or not laid back."""

from pathlib import Path


class BackupRefused(RuntimeError):
    """What is wrong, and what to do about it."""


class NotEmpty(BackupRefused):
    """Restoring would write over something."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: restore into an empty HUB_VAR and database, or say --replace to throw it away")


class Damaged(BackupRefused):
    """The archive is not what its manifest says."""

    def __init__(self, folder: Path, problems: list[str]) -> None:
        shown = "; ".join(problems[:5]) + (f" and {len(problems) - 5} more" if len(problems) > 5 else "")
        super().__init__(f"{folder} is no whole backup: {shown}")
