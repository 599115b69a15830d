"""Secrets the hub makes for itself on first start: one file, readable by its owner only."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class SecretStore:
    """`var/secrets.json`. A secret is made the first time it is asked for and never changes by itself.

    `given` are those that somebody chose: they come first and are not written down.
    """

    def __init__(self, path: Path, *, given: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._given = dict(given or {})

    @property
    def path(self) -> Path:
        return self._path

    def get(self, name: str) -> str:
        if name in self._given:
            return self._given[name]
        found = self._read().get(name)
        return self._made(name) if found is None else found

    def put(self, chosen: Mapping[str, str]) -> None:
        """Writes down secrets that come from elsewhere (a backup)."""
        if chosen:
            with self._locked():
                self._write({**self._read(), **chosen})

    def _made(self, name: str) -> str:
        # Several processes may start on one folder at once: the first makes it, the others read it.
        with self._locked():
            known = self._read()
            if name not in known:
                known[name] = secrets.token_urlsafe(24)
                self._write(known)
        return known[name]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _write(self, known: dict[str, str]) -> None:
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
