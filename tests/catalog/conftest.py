"""A small site, and the demo site, in a real PostgreSQL."""

import tomllib
from pathlib import Path

import pytest

from building.declaration import SiteDeclaration, parse_site
from building.profile import DeviceProfile
from catalog.profiles import load_profiles

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def profiles() -> dict[str, DeviceProfile]:
    return load_profiles(ROOT / "device_adapters" / "profiles")


@pytest.fixture(scope="session")
def demo() -> SiteDeclaration:
    return parse_site(tomllib.loads((ROOT / "hub" / "demo" / "site.toml").read_text("utf-8")))
