"""Where training is worked at: processes of this machine, or dask workers of several. One protocol, joblib's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar, assert_never

from predictive.training.settings import Backend, TrainingSettings

Given = TypeVar("Given")
Made = TypeVar("Made")

# A process with nothing to do ends by itself after so long: also when whoever asked it was killed.
_IDLE_S: Final = 20
_DASK_ANSWERS_S: Final = 20


class BackendUnavailable(RuntimeError):
    """The backend of HUB_TRAINING_BACKEND is not installed or does not answer."""


class Pool(Protocol):
    """`size` pieces are worked at, at the same time."""

    @property
    def size(self) -> int: ...

    @property
    def others(self) -> int:
        """How many processes of this machine it has beside this one: they share HUB_TRAINING_MEMORY_MB with it."""
        ...

    def map(self, function: Callable[[Given], Made], given: Sequence[Given]) -> list[Made]:
        """What the function makes of each, in order; blocks. Whatever one raises is raised."""
        ...


class JoblibPool:
    def __init__(self, parallel: Any, *, size: int, others: int) -> None:
        self._parallel = parallel
        self.size = size
        self.others = others

    def map(self, function: Callable[[Given], Made], given: Sequence[Given]) -> list[Made]:
        from joblib import delayed

        made: list[Made] = self._parallel(delayed(function)(each) for each in given)
        return made


@contextmanager
def opened_pool(settings: TrainingSettings) -> Iterator[Pool]:
    """Raises BackendUnavailable. Its processes have ended when the block has."""
    match settings.backend:
        case Backend.LOKY:
            with _on_this_machine(settings.processes) as pool:
                yield pool
        case Backend.DASK:
            with _on_dask(settings) as pool:
                yield pool
        case other:
            assert_never(other)


@contextmanager
def _on_this_machine(processes: int) -> Iterator[Pool]:
    from joblib import Parallel, parallel_config
    from joblib.externals.loky import get_reusable_executor

    # One thread each: the processes are the parallelism. Nothing is mapped from disk: lessons are small.
    with (
        parallel_config("loky", inner_max_num_threads=1, idle_worker_timeout=_IDLE_S),
        Parallel(n_jobs=processes, max_nbytes=None) as parallel,
    ):
        try:
            # One alone is this very process.
            yield JoblibPool(parallel, size=processes, others=processes if processes > 1 else 0)
        finally:
            if processes > 1:
                get_reusable_executor().shutdown(wait=True, kill_workers=True)


@contextmanager
def _on_dask(settings: TrainingSettings) -> Iterator[Pool]:
    from joblib import Parallel, parallel_config

    try:
        from distributed import Client
    except ImportError as error:
        raise BackendUnavailable(
            "HUB_TRAINING_BACKEND=dask needs the package distributed: pip install 'zhiwu-hub[dask]'"
        ) from error
    try:
        client = Client(settings.scheduler, timeout=_DASK_ANSWERS_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise BackendUnavailable(
            f"the dask scheduler of HUB_TRAINING_SCHEDULER ({settings.scheduler}) does not answer: {error}"
        ) from error
    with (
        client,
        parallel_config("dask", client=client, wait_for_workers_timeout=_DASK_ANSWERS_S),
        Parallel(n_jobs=settings.processes) as parallel,
    ):
        yield JoblibPool(parallel, size=settings.processes, others=0)
