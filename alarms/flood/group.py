"""What holds alarms together that are told together."""

from enum import StrEnum


class GroupKind(StrEnum):
    ROOT = "root"  # one alarm explains the others: its gateway, its power
    AREA = "area"  # one kind of equipment in one building, or outside any
    KIND = "kind"  # one kind of equipment all over the site
    SITE = "site"  # more at once than anybody can be told one by one
