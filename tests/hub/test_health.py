"""Whether the hub can work, told to anybody who asks: so without addresses or names."""

from hub.health import Readiness


async def well() -> None:
    return


async def away() -> None:
    raise ConnectionError("connection to postgresql://hub:secret@10.0.0.5 refused")


async def test_a_part_that_cannot_work_is_named_without_its_words() -> None:
    health = await Readiness({"bus": well, "database": away}).examine()
    assert not health.ready
    assert health.parts == {"bus": "ok", "database": "ConnectionError"}
