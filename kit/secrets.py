"""Secrets the hub makes for itself on first start: one file, readable by its owner only."""

import json
import os
import secrets
from pathlib import Path


class SecretStore:
    """`var/secrets.json`. A secret is made the first time it is asked for and never changes by itself."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str) -> str:
        known = self._read()
        if name not in known:
            known[name] = secrets.token_urlsafe(24)
            self._write(known)
        return known[name]

    def _read(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _write(self, known: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
