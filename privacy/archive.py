"""One person's data as a ZIP: a JSON document and the files, pure."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kit.personal import Holding

DOCUMENT = "data.json"


def archive(holdings: Mapping[str, Holding], consents: Sequence[Mapping[str, Any]], *, made_at: datetime) -> bytes:
    """`data.json` has the rows by room and table; a room's files lie in a folder of its name."""
    rooms = {name: {table: list(rows) for table, rows in held.rows.items()} for name, held in holdings.items()}
    document = {"made_at": made_at.isoformat(), "rooms": rooms, "consents": list(consents)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(DOCUMENT, json.dumps(document, ensure_ascii=False, indent=2))
        for name, held in holdings.items():
            for file in held.files:
                target.writestr(f"{name}/{file.name}", file.content)
    return packed.getvalue()
