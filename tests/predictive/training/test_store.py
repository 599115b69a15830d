"""Models come back as they were stored, or not at all."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from kit.access import Scope
from kit.clock import FakeClock
from kit.db import Database
from kit.events import RecordingOutbox
from kit.ids import new_id
from predictive.training import errors
from predictive.training.card import Draft, Family, Format, ModelCard, ModelState, Packed
from predictive.training.errors import ModelRefused, RefusalReason
from predictive.training.events import ModelsChanged
from predictive.training.fresh_start import FreshStarts
from predictive.training.models import TrainedModel, TrainedModelPart
from predictive.training.packing import pack_arrays, pack_estimator, unpack_arrays, unpack_estimator
from predictive.training.store import PART_BYTES, ModelStore
from tests.small_site import SmallSite, settle

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "signs the models of these tests only"
ARRAYS = {"residual/weights": np.arange(24.0).reshape(2, 3, 4), "residual/two_valued": np.array([[True], [False]])}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
async def site(database: Database, clock: FakeClock) -> SmallSite:
    return await settle(database, clock)


@pytest.fixture
def store(clock: FakeClock) -> ModelStore:
    return ModelStore(secret=SECRET, clock=clock)


def draft(site_id: UUID, **other: Any) -> Draft:
    basis = Draft(
        site_id=site_id, family=Family.DETECTORS, subject="pump-basic", packed=pack_arrays(ARRAYS),
        data_from=NOON.replace(day=1), data_until=NOON, equipment_ids=(new_id(), new_id()), points=("a", "b"),
        step_s=60.0, parameters={"days": 30}, metrics={"recall": 0.5},
    )  # fmt: skip
    return replace(basis, **other)


async def save(database: Database, store: ModelStore, wanted: Draft, **other: Any) -> ModelCard:
    async with database.transaction() as session:
        return await store.save(session, wanted, **other)


async def load(database: Database, store: ModelStore, model_id: UUID) -> dict[str, Any]:
    async with database.transaction() as session:
        return await store.load(session, await store.get(session, Scope.everywhere(), model_id))


async def test_a_model_of_several_parts_comes_back_array_by_array(
    database: Database, site: SmallSite, store: ModelStore
) -> None:
    large = np.random.default_rng(1).random(PART_BYTES // 4)  # twice a part, and random bytes do not shrink
    kept = await save(database, store, draft(site.site_id, packed=pack_arrays(ARRAYS | {"large": large})))
    assert kept.size_bytes > PART_BYTES
    found = await load(database, store, kept.id)
    assert found.keys() == {*ARRAYS, "large"}
    assert all(np.array_equal(found[name], array) for name, array in (ARRAYS | {"large": large}).items())
    assert (kept.points, kept.metrics, kept.version) == (("a", "b"), {"recall": 0.5}, 1)


async def test_a_changed_byte_is_refused(database: Database, site: SmallSite, store: ModelStore) -> None:
    kept = await save(database, store, draft(site.site_id))
    content = bytearray(draft(site.site_id).packed.content)
    content[-1] ^= 1
    async with database.transaction() as session:
        await session.execute(update(TrainedModelPart).values(content=bytes(content)))
    with pytest.raises(ModelRefused, match=r"pump-basic version 1 .*hub train") as refused:
        await load(database, store, kept.id)
    assert refused.value.reason is RefusalReason.WRONG_CHECKSUM
    async with database.transaction() as session:
        await session.execute(update(TrainedModelPart).values(number=7))
    with pytest.raises(ModelRefused) as refused:
        await load(database, store, kept.id)
    assert refused.value.reason is RefusalReason.CONTENT_MISSING


async def test_a_model_signed_elsewhere_is_refused(
    database: Database, site: SmallSite, store: ModelStore, clock: FakeClock
) -> None:
    kept = await save(database, ModelStore(secret="of another hub", clock=clock), draft(site.site_id))
    with pytest.raises(ModelRefused, match="HUB_MODEL_SECRET") as refused:
        await load(database, store, kept.id)
    assert refused.value.reason is RefusalReason.WRONG_SIGNATURE


LIES: tuple[dict[str, Any], ...] = (
    {"equipment_ids": ["018f0000-0000-7000-8000-000000000000"]}, {"points": ["b", "a"]}, {"step_s": 61.0},
    {"subject": "fan-basic"}, {"version": 2}, {"parameters": {"days": 3}}, {"code_version": "9"},
    {"data_until": NOON.replace(hour=13)}, {"format": "skops"}, {"family": "forecast"},
)  # fmt: skip


async def test_whatever_says_what_the_content_is_cannot_be_changed(
    database: Database, site: SmallSite, store: ModelStore
) -> None:
    kept = await save(database, store, draft(site.site_id))
    for lie in LIES:
        with pytest.raises(ModelRefused) as refused:
            async with database.transaction() as session:
                await session.execute(update(TrainedModel).values(**lie))
                await store.load(session, await store.get(session, Scope.everywhere(), kept.id))
        assert refused.value.reason is RefusalReason.WRONG_SIGNATURE, lie
    assert await load(database, store, kept.id), "what was rolled back is as it was"


class Evil:
    """What a pickle would run when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("somebody unpickled a model",))


def test_arrays_of_objects_are_neither_written_nor_read() -> None:
    objects = np.array([Evil()], dtype=object)
    with pytest.raises(TypeError, match="strange has dtype object"):
        pack_arrays({"strange": objects})
    file = io.BytesIO()
    np.savez(file, strange=objects)
    with pytest.raises(ModelRefused) as refused:
        unpack_arrays(Packed(Format.ARRAYS, file.getvalue()))
    assert refused.value.reason is RefusalReason.UNKNOWN_TYPE


def zip_of(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"no array")
    return file.getvalue()


@pytest.mark.parametrize("content", [b"", b"\x80\x04 a pickle", zip_of("weights.npy"), zip_of("schema.json")])
@pytest.mark.parametrize("format_", list(Format))
def test_what_is_no_archive_of_a_model_is_refused(content: bytes, format_: Format) -> None:
    read = unpack_arrays if format_ is Format.ARRAYS else unpack_estimator
    with pytest.raises(ModelRefused) as refused:
        print(read(Packed(format_, content)))
    assert refused.value.reason is RefusalReason.UNKNOWN_TYPE


def test_an_estimator_comes_back_and_one_of_an_unknown_type_does_not() -> None:
    from sklearn.linear_model import Ridge
    from skops.io import dumps

    rows = np.arange(12.0).reshape(6, 2)
    fitted = Ridge().fit(rows, rows.sum(axis=1))
    assert np.allclose(unpack_estimator(pack_estimator(fitted)).predict(rows), fitted.predict(rows))
    with pytest.raises(TypeError, match="Evil"):
        pack_estimator({"model": Evil})
    with pytest.raises(ModelRefused, match="Evil") as refused:
        unpack_estimator(Packed(Format.ESTIMATOR, dumps({"model": Evil})))
    assert refused.value.reason is RefusalReason.UNKNOWN_TYPE
    with pytest.raises(ModelRefused, match="no estimator"):
        unpack_estimator(pack_arrays(ARRAYS))


async def test_a_challenger_runs_in_shadow_until_a_person_promotes_it(
    database: Database, outbox: RecordingOutbox, site: SmallSite, store: ModelStore
) -> None:
    scope, person = Scope.of(site.site_id), await site.staff()
    first = await save(database, store, draft(site.site_id))
    early = await save(database, store, draft(site.site_id))
    late = await save(database, store, draft(site.site_id))
    assert [one.state for one in (first, early, late)] == [ModelState.CHAMPION, ModelState.SHADOW, ModelState.SHADOW]
    async with database.transaction() as session:
        assert [one.id for one in await store.shadows(session, scope, family=Family.DETECTORS)] == [late.id]
        with pytest.raises(errors.NotInShadow, match="retired"):
            await store.promote(session, scope, early.id, by=person)
        with pytest.raises(errors.ModelNotFound):
            await store.promote(session, Scope.of(new_id()), late.id, by=person)
        promoted = await store.promote(session, scope, late.id, by=person)
        assert (promoted.state, promoted.state_by) == (ModelState.CHAMPION, person)
        states = {one.version: one.state for one in await store.find(session, scope)}
    assert states == {1: ModelState.RETIRED, 2: ModelState.RETIRED, 3: ModelState.CHAMPION}
    assert [one.model_id for one in outbox.of(ModelsChanged)] == [first.id, early.id, late.id, late.id]
    added = await save(database, store, draft(site.site_id), state=ModelState.CHAMPION)
    assert (added.version, added.state) == (4, ModelState.CHAMPION)
    assert await load(database, store, late.id), "what was retired can be looked at for a while"


async def test_the_database_itself_keeps_a_lineage_to_one_champion(
    database: Database, site: SmallSite, store: ModelStore
) -> None:
    await save(database, store, draft(site.site_id))
    await save(database, store, draft(site.site_id))
    with pytest.raises(IntegrityError, match="uq_trained_model_champion"):
        async with database.transaction() as session:
            await session.execute(update(TrainedModel).values(state="champion"))


async def test_metrics_may_change_and_old_contents_go_while_their_numbers_stay(
    database: Database, site: SmallSite, store: ModelStore, clock: FakeClock
) -> None:
    scope = Scope.of(site.site_id)
    kept = await save(database, store, draft(site.site_id))
    await save(database, store, draft(site.site_id), state=ModelState.CHAMPION)
    async with database.transaction() as session:
        await store.note_metrics(session, scope, kept.id, {"precision": 0.8})
    assert await load(database, store, kept.id)
    clock.advance(seconds=91 * 86_400)
    async with database.transaction() as session:
        await store.forget(session)
        retired, champion = (
            await store.get(session, scope, kept.id),
            await store.champions(session, scope, family=Family.DETECTORS),
        )
        assert retired.metrics == {"recall": 0.5, "precision": 0.8}
        assert await store.load(session, champion[0])
        with pytest.raises(ModelRefused, match="train anew"):
            await store.load(session, retired)


async def test_of_several_fresh_starts_the_latest_counts(database: Database, site: SmallSite) -> None:
    starts, lift = FreshStarts(), site.equipment["LIFT-32"]
    async with database.transaction() as session:
        for day in (5, 9, 7):
            await starts.begin(
                session, equipment_id=lift, site_id=site.site_id, since=NOON.replace(day=day), reason=f"order {day}"
            )
        assert await starts.all(session, Scope.of(site.site_id)) == {lift: NOON.replace(day=9)}
        assert await starts.all(session, Scope.of(new_id())) == {}
