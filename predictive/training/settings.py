"""Settings of training."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from kit.settings import Settings, settings_config


class Backend(StrEnum):
    """Where the work of training is done."""

    LOKY = "loky"
    DASK = "dask"


class TrainingSettings(Settings):
    """HUB_TRAINING_…"""

    model_config = settings_config("HUB_TRAINING_")

    backend: Backend = Field(
        Backend.LOKY,
        description="`loky`: processes of this machine; `dask`: the workers of HUB_TRAINING_SCHEDULER, which have the "
        "hub of the same release installed",
    )
    scheduler: str = Field("", description="address of the dask scheduler, as tcp://10.0.0.9:8786")
    processes: int = Field(2, ge=1, le=64, description="processes that learn at the same time; with dask, pieces")
    memory_mb: int = Field(
        2048, ge=512, le=1_048_576, description="memory of a training with all its processes on this machine, in MB"
    )
    days: int = Field(30, ge=2, le=366, description="days of history that models learn from")
    learning_days: float = Field(
        7.0, gt=0, le=90, description="days of normal time before an equipment is judged by a model of its own"
    )
    nightly: bool = Field(True, description="whether equipment without a model is learnt every night")
    at_hour: int = Field(2, ge=0, le=23, description="hour of the night's training, local to each site")
    challenger_days: int = Field(
        30, ge=1, le=366, description="age at which the night trains a challenger of a model, which runs in shadow"
    )
    back_test_equipment: int = Field(
        6, ge=0, le=1000, description="how many equipment of a kind a model is back-tested on, those that failed first"
    )
    back_test_splits: int = Field(3, ge=1, le=12, description="time-ordered splits of a back-test")
    horizon_days: float = Field(
        14.0, gt=0, le=120, description="how long before a failure a finding still counts as having foreseen it"
    )

    @model_validator(mode="after")
    def _dask_has_an_address(self) -> Self:
        if self.backend is Backend.DASK and not self.scheduler:
            raise ValueError("HUB_TRAINING_BACKEND=dask needs HUB_TRAINING_SCHEDULER: the address of its scheduler")
        return self
