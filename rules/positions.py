"""How far every partition was judged, for whoever copies a hub or moves it to an empty bus."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from rules import repository


async def judged_up_to(session: AsyncSession) -> Mapping[tuple[int, bool], int]:
    """The bus sequence last judged, by (partition, life safety or not)."""
    return await repository.all_positions(session)


async def begin_sequences_anew(session: AsyncSession) -> None:
    """For a bus that starts empty: whatever it will have is new, and what was judged before stays judged."""
    await repository.begin_sequences_anew(session)
