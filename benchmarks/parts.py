"""Every part of the bench, in the order of the report. A new part is a module with a `Part` and a line here."""

from benchmarks.line.part import LinePart
from benchmarks.part import Part


def every_part() -> list[Part]:
    return [LinePart()]
