"""What people would otherwise use, set up for the same work: everything stored, alarms told on the same topic."""

from benchmarks.line import hub_subject
from benchmarks.line.peers import floor, home_assistant, node_red
from benchmarks.line.peers.rows import Layout
from benchmarks.line.subject import Subject


def known_subjects() -> dict[str, Subject]:
    """Every subject by name, this hub first."""
    found = [
        hub_subject.subject(), node_red.subject(), node_red.subject(Layout.WIDE), floor.subject(),
        home_assistant.subject(),
    ]  # fmt: skip
    return {subject.name: subject for subject in found}
