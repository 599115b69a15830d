import pytest

from tests.simulators.platform.bench import Bench, accounts, silent_hub


@pytest.fixture
async def bench():
    bench = Bench(silent_hub, accounts())
    async with bench.platform:
        yield bench
