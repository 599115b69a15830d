"""What holds alarms together that are told together."""

from dataclasses import dataclass
from enum import StrEnum


class GroupKind(StrEnum):
    ROOT = "root"  # one alarm explains the others: its gateway, its power
    AREA = "area"  # one kind of equipment in one building, or outside any
    KIND = "kind"  # one kind of equipment all over the site
    SITE = "site"  # more at once than anybody can be told one by one


@dataclass(frozen=True)
class GroupStanding:
    """`is_asking`: some of its alarms last and nobody has answered them. `is_acknowledged`: somebody has answered one
    of them, or what explains them, since the time that is asked about."""

    is_asking: bool
    is_acknowledged: bool
