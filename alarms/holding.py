"""What holds the alarms of some equipment back now: inhibitions on the books and maintenance windows in force."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms import repository
from alarms.models import Inhibition, MaintenanceWindow
from alarms.windows.schedule import holds_on, lineage
from catalog.directory import Directory


async def standing_on(
    session: AsyncSession, directory: Directory, equipment_ids: Collection[UUID], *, now: datetime
) -> Mapping[UUID, list[Inhibition]]:
    """By equipment. Equipment that the directory does not know any more is held by inhibitions only."""
    standing: defaultdict[UUID, list[Inhibition]] = defaultdict(list)
    for inhibition in await repository.standing_inhibitions(session, equipment_ids):
        standing[inhibition.equipment_id].append(inhibition)
    known = [directory.by_id[each] for each in equipment_ids if each in directory.by_id]
    windows = await repository.standing_windows(session, {entry.site_id for entry in known})
    add_windows(standing, windows, equipment_ids, directory, now=now)
    return standing


def add_windows(
    standing: dict[UUID, list[Inhibition]],
    windows: Iterable[MaintenanceWindow],
    equipment_ids: Iterable[UUID],
    directory: Directory,
    *,
    now: datetime,
) -> None:
    """Adds what the windows hold; most of the time there are none."""
    windows = list(windows)
    if not windows:
        return
    for equipment_id in set(equipment_ids):
        entry = directory.by_id.get(equipment_id)
        if entry is not None:
            held = holds_on(windows, entry, lineage(entry, directory.by_id), now=now)
            standing.setdefault(equipment_id, []).extend(held)
