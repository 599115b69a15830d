"""The device library on disk: one TOML file a profile."""

import tomllib
from pathlib import Path

from building.profile import BadProfile, DeviceProfile, parse_profile


def load_profiles(folder: Path) -> dict[str, DeviceProfile]:
    """Every profile of a folder by its key. Raises BadProfile, naming the file."""
    profiles: dict[str, DeviceProfile] = {}
    for file in sorted(folder.glob("*.toml")):
        profile = _read(file)
        if profile.key in profiles:
            raise BadProfile(f"{file.name}: another file already has the key {profile.key}")
        profiles[profile.key] = profile
    return profiles


def _read(file: Path) -> DeviceProfile:
    try:
        return parse_profile(tomllib.loads(file.read_text("utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BadProfile(f"{file.name}: not readable as TOML: {error}") from None
    except BadProfile as error:
        raise BadProfile(f"{file.name}: {error}") from None
