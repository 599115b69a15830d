"""Steps of a scenario, apart from playing them."""

from pathlib import Path

from simulators.scenario.parse import read_scenario
from simulators.scenario.steps import Expect

SHIPPED = Path(__file__).parents[3] / "simulators" / "scenarios" / "entrapment.toml"


def test_patience_stretches_every_limit_and_nothing_else() -> None:
    once, tenfold = read_scenario(SHIPPED), read_scenario(SHIPPED).with_patience(10)
    for strict, patient in zip(once.steps, tenfold.steps, strict=True):
        if isinstance(strict, Expect):
            assert isinstance(patient, Expect)
            assert patient.within_s == 10 * strict.within_s
            assert (patient.where, patient.count, patient.during_s) == (strict.where, strict.count, strict.during_s)
