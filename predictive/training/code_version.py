"""Which code made a model: the release, and what its detectors and its training looked like."""

import hashlib
from importlib import metadata
from pathlib import Path
from typing import Final

_ROOM: Final = Path(__file__).parent.parent


def code_version() -> str:
    """Such as `0.1.0+1f6b24c09a3d`. Changes with the release and with any detector; reads a few dozen small files."""
    digest = hashlib.sha256()
    for path in sorted((_ROOM / "detectors").glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"{metadata.version('zhiwu-hub')}+{digest.hexdigest()[:12]}"
