"""The relational data by PostgreSQL's own programs, which come with the embedded server."""

import asyncio
import os
from pathlib import Path

from sqlalchemy.engine import make_url

from hub.backup.errors import BackupRefused
from kit.supervision.postgres import binary

# Of gzip, which every build of pg_dump knows.
GZIP_LEVEL = 4


async def dump(url: str, target: Path, *, snapshot: str) -> None:
    """Writes all tables as they are in `snapshot`. Raises BackupRefused with what pg_dump says."""
    await _run(
        "pg_dump", url, "--format=custom", f"--compress={GZIP_LEVEL}", "--no-owner", "--no-privileges",
        "--no-comments", f"--snapshot={snapshot}", f"--file={target}",
    )  # fmt: skip


async def restore(url: str, source: Path) -> None:
    """Lays the dump into a database without tables, all of it or nothing. Raises BackupRefused."""
    await _run(
        "pg_restore", url, "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--clean",
        "--if-exists", str(source),
    )  # fmt: skip


async def _run(program: str, url: str, *arguments: str) -> None:
    parsed = make_url(url)
    # The password by the environment: command lines can be read by everybody on the machine.
    environment = {**os.environ, "PGPASSWORD": str(parsed.password or ""), "PGCONNECT_TIMEOUT": "10"}
    address = parsed.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(
        binary(program), f"--dbname={address}", *arguments, env=environment, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    if process.returncode:
        raise BackupRefused(f"{program} failed: {said.decode('utf-8', 'replace').strip()}")
