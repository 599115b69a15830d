"""What `hub train` says: of trainings, of stored models, and of a site that is not there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from predictive.training.card import ModelCard
from predictive.training.models import TrainingRun

_FIGURES: Final = (
    ("splits", "splits"), ("equipment", "equipment"), ("findings", "findings"), ("failures", "failures"),
    ("precision", "precision"), ("recall", "recall"), ("lead, h", "lead_h"), ("false a month", "false_a_month"),
)  # fmt: skip


class NoSuchSite(Exception):
    """The words name those that there are."""


def lines_of_run(run: TrainingRun) -> Iterator[str]:
    """What came of one training."""
    took = "" if run.ended_at is None or run.started_at is None else f" in {(run.ended_at - run.started_at).seconds} s"
    yield f"{run.state}: {run.learnt} of {run.equipment} equipment{took}" + (f" ({run.failure})" if run.failure else "")
    report: dict[str, Any] = run.report or {}
    for subject, part in report.get("subjects", {}).items():
        yield (
            f"  {subject}: {part['purpose']}, {part['learnt']} learnt, {len(part['learning'])} still learning, "
            f"{len(part['failed'])} failed; {part['readings']:,} readings"
        )
        if part["learning"]:
            longest = max(part["learning"].values())
            yield f"    still learning: the one that is furthest has {longest:g} days of normal time"
        yield from (f"    failed: {equipment_id}: {why}" for equipment_id, why in part["failed"].items())
        yield from (f"    {line}" for line in _lines_of_figures(part["back_test"]))
    if report.get("peak_mb"):
        yield f"  at most {report['peak_mb']} MB"


def lines_of_models(cards: Sequence[ModelCard], sites: Mapping[UUID, str]) -> Iterator[str]:
    if not cards:
        yield "no model has been trained yet: `hub train` does it, and the hub itself every night"
    for card in cards:
        yield (
            f"{sites.get(card.site_id, card.site_id)} {card.family.value}/{card.subject} version {card.version} "
            f"{card.state.value}: {len(card.equipment_ids)} equipment, learnt from {card.data_from:%Y-%m-%d} to "
            f"{card.data_until:%Y-%m-%d}, code {card.code_version}, id {card.id}"
        )
        yield from (f"  {line}" for line in _lines_of_figures(card.metrics))


def _lines_of_figures(metrics: Mapping[str, Any]) -> Iterator[str]:
    if not metrics:
        return
    shown = {**metrics, "splits": len(metrics.get("splits", ()))}
    yield "back-test: " + ", ".join(f"{words} {_shown_figure(shown.get(name))}" for words, name in _FIGURES)
    for split in metrics.get("splits", ()):
        yield "  split: " + ", ".join(f"{words} {_shown_figure(split.get(name))}" for words, name in _FIGURES[2:])


def _shown_figure(value: object) -> str:
    return "—" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
