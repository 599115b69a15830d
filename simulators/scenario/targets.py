"""Where a scenario is played, and as whom."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Targets:
    """Base URLs without a trailing slash, and an account of the hub that may dispatch."""

    hub: str
    simulator: str
    platform: str
    user: str
    password: str
