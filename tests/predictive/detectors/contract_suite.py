"""What every detector promises (predictive/detectors/contract.py), as checks that any of them can be put through."""

import itertools

import numpy as np

from predictive.detectors.contract import Detector, Evidence, Floats, Model, Window, copied, stacked, taken

NORMAL = 700
# Of a recording, where one point leaves the others, and where all of them rise at once.
LEAVES, RISES, ROWS = 860, 920, 950


def recording(*, points: int, step_s: float, seed: int) -> Window:
    """One equipment with a common swing, a drift, noise; then a point that leaves the others, at last all of them."""
    rng = np.random.default_rng(seed)
    time = np.arange(ROWS)
    swing = np.sin(time / 17.0)[:, None] * rng.uniform(0.5, 2.0, points)
    values = (
        20.0 + swing + 0.003 * rng.normal(size=(ROWS, points)).cumsum(axis=0) + 0.2 * rng.normal(size=(ROWS, points))
    )
    values[LEAVES:, 0] += 8.0
    values[RISES:] += 2.0 * np.arange(ROWS - RISES)[:, None]
    values[NORMAL + 10 :: 37, -1] = np.nan
    ts_ms = 1_767_225_600_000 + (time * step_s * 1000).astype(np.int64)
    return Window(ts_ms=ts_ms[None], values=values[None], step_s=step_s)


def judged(detector: Detector, window: Window, *, cuts: tuple[int, ...] = (), stored_at: int | None = None) -> Evidence:
    """The evidence on the rows after the normal ones, given in blocks that end at `cuts`."""
    model = detector.calibrate(window.between(start=0, stop=NORMAL))
    state = detector.begin(model)
    edges = [NORMAL, *cuts, window.rows]
    parts = []
    for start, stop in itertools.pairwise(edges):
        if start == stored_at:
            model, state = restored(model), copied(restored(state))
        parts.append(detector.step(model, state, window.between(start=start, stop=stop)))
    return Evidence(
        score=np.concatenate([part.score for part in parts], axis=1),
        shares=np.concatenate([part.shares for part in parts], axis=1),
    )


def restored(arrays: Model) -> Model:
    """What comes back when arrays were written as bytes and read again."""
    return {key: np.frombuffer(a.tobytes(), dtype=a.dtype).reshape(a.shape).copy() for key, a in arrays.items()}


def check_is_quiet_before_the_fault_and_tells_it(detector: Detector, window: Window) -> None:
    """Without this the promises below could be kept by saying nothing."""
    score = judged(detector, window).score[0]
    assert score.max() >= 1.0
    before = score[: LEAVES - NORMAL]
    assert (before > 0.0).any()
    assert (before >= 1.0).mean() <= 0.02


def check_is_causal(detector: Detector, window: Window) -> None:
    whole = judged(detector, window)
    for stop in (NORMAL + 1, NORMAL + 97, LEAVES + 9, window.rows - 3):
        cut = judged(detector, window.between(start=0, stop=stop))
        assert_close(cut.score, whole.score[:, : stop - NORMAL])


def check_blocks_change_nothing(detector: Detector, window: Window) -> None:
    whole = judged(detector, window)
    singly = judged(detector, window, cuts=tuple(range(NORMAL + 1, window.rows)))
    assert_close(singly.score, whole.score)
    np.testing.assert_allclose(singly.shares, whole.shares, rtol=1e-5, atol=1e-6)
    stored = judged(detector, window, cuts=(NORMAL + 61, LEAVES + 11), stored_at=LEAVES + 11)
    assert_close(stored.score, whole.score)


def check_scale_offset_and_order_change_nothing(detector: Detector, window: Window) -> None:
    rng = np.random.default_rng(3)
    order = rng.permutation(window.points)
    factors = rng.uniform(0.2, 5.0, window.points) * rng.choice([-1.0, 1.0], window.points)
    other = with_values(window, (window.values * factors + rng.normal(size=window.points) * 10)[:, :, order])
    plain, disguised = judged(detector, window), judged(detector, other)
    np.testing.assert_allclose(disguised.score, plain.score, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(disguised.shares, plain.shares[:, :, order], rtol=1e-4, atol=1e-5)


def check_each_equipment_is_judged_for_itself(detector: Detector, window: Window) -> None:
    other = with_values(window, window.values[:, ::-1] * 3.0)
    models = [detector.calibrate(one.between(start=0, stop=NORMAL)) for one in (window, other)]
    both = stacked(models)
    rest = Window(
        ts_ms=np.concatenate([window.ts_ms, other.ts_ms])[:, NORMAL:],
        values=np.concatenate([window.values, other.values])[:, NORMAL:],
        step_s=window.step_s,
    )
    state = detector.begin(both)
    together = detector.step(both, state, rest)
    for place, one in enumerate((window, other)):
        alone = judged(detector, one)
        assert_close(together.score[place], alone.score[0])
    assert all(len(array) == 1 for array in taken(state, [1]).values())


def check_bad_points_never_spoil_a_score(detector: Detector, window: Window) -> None:
    values = window.values.copy()
    values[:, :, 0] = 7.0
    if window.points > 1:
        values[:, :, 1] = np.nan
    values[:, NORMAL + 5 : NORMAL + 9] = np.nan
    evidence = judged(detector, with_values(window, values))
    for array in (evidence.score, evidence.shares):
        assert np.isfinite(array).all()
        assert (array >= 0).all()
    assert np.allclose(np.round(evidence.shares.sum(axis=2), 9) % 1.0, 0.0)


def check_little_normal_time_spoils_no_score(detector: Detector, window: Window) -> None:
    for normal in (0, 1, 7, 29, 31, 39, 64):
        model = detector.calibrate(window.between(start=0, stop=normal))
        evidence = detector.step(model, detector.begin(model), window.between(start=normal, stop=normal + 90))
        for array in (evidence.score, evidence.shares):
            assert np.isfinite(array).all(), f"{normal} normal rows"
            assert (array >= 0).all()


def assert_close(found: Floats, expected: Floats) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def with_values(window: Window, values: Floats) -> Window:
    return Window(ts_ms=window.ts_ms, values=values, step_s=window.step_s)
