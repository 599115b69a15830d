"""What owners are answered, in their language. Pure but for the texts it is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from kit.errors import DomainError
from kit.i18n import Language, Texts
from knowledge.views import ArticleView
from owner_services.locating import Question
from owner_services.understanding.signs import Trouble
from people.views import Home
from ticketing.kinds import Category, OwnerState
from ticketing.reports import Known, OwnerReport, Reported

_OVER = frozenset({OwnerState.DONE, OwnerState.CLOSED, OwnerState.CANCELLED})
_WHAT = {
    Trouble.ELEVATOR: "what_elevator",
    Trouble.NO_WATER: "what_water",
    Trouble.POWER: "what_power",
    Trouble.DOOR_LOCK: "what_door",
    Trouble.LIGHTING: "what_light",
}


@dataclass(frozen=True)
class Reader:
    """For whom an answer is: language, and the clock on the wall of their site."""

    language: Language
    zone: ZoneInfo
    now: datetime


class Answers:
    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def say(self, key: str, language: Language, **facts: str) -> str:
        return self._texts.text(f"owner_services.{key}", language, **facts)

    def reported(self, reported: Reported, trouble: Trouble | None, reader: Reader, *, rescue_code: str | None) -> str:
        """The answer to a report: number, state, promise, what was known; in danger, what to do now."""
        report = reported.report
        facts = {"number": report.number, "place": self._place(report, reader.language)}
        if trouble is not None and trouble.is_dangerous:
            return self._in_danger(report, trouble, reader.language, facts, rescue_code=rescue_code)
        if trouble is Trouble.INQUIRY:
            return self.say("answer.inquiry", reader.language, number=report.number)
        known = self.say("answer.sensor", reader.language) if report.known is Known.SENSOR else ""
        return self.say(
            "answer.joined" if reported.joined else "answer.received",
            reader.language,
            state=self._state(report, reader.language),
            promised=clock_time(report.promised_at, reader),
            known=known,
            **facts,
        )

    def refused(self, refusal: DomainError, language: Language) -> str:
        return self._texts.of_error(refusal, language)

    def wish_done(self, word: str, report: OwnerReport, reader: Reader) -> str:
        """What was done about a wish (`wish.<word>`), with the promise there was before."""
        promised = clock_time(report.promised_at, reader)
        return self.say(f"wish.{word}", reader.language, number=report.number, promised=promised)

    def offered(self, articles: Sequence[ArticleView], language: Language) -> str:
        """That articles may answer, by their names."""
        titles = "、".join(f"《{one.title(language)}》" for one in articles)
        return self.say("article.offered", language, titles=titles)

    def progress(self, reports: Sequence[OwnerReport], reader: Reader) -> str:
        """The states of somebody's own reports, one a line."""
        if not reports:
            return self.say("answer.nothing_open", reader.language)
        lines = "\n".join(self._line(report, reader) for report in reports)
        return self.say("answer.progress", reader.language, lines=lines)

    def question(self, question: Question, language: Language, *, homes: Sequence[Home]) -> str:
        return self.say(f"question.{question}", language, homes=named(homes))

    def what(self, topic: Trouble | None, language: Language) -> str:
        """The polite question after something we did not understand."""
        return self.say(f"question.{_WHAT.get(topic, 'what') if topic else 'what'}", language)

    def _in_danger(
        self,
        report: OwnerReport,
        trouble: Trouble,
        language: Language,
        facts: dict[str, str],
        *,
        rescue_code: str | None,
    ) -> str:
        rescue = self.say("answer.rescue", language, code=rescue_code) if rescue_code else ""
        answer = self.say(f"answer.{trouble}", language, rescue=rescue, **facts)
        return answer if report.place else answer + "\n" + self.say("answer.tell_place", language)

    def _line(self, report: OwnerReport, reader: Reader) -> str:
        return self.say(
            "answer.line_over" if report.state in _OVER else "answer.line",
            reader.language,
            number=report.number,
            place=self._place(report, reader.language),
            state=self._state(report, reader.language),
            promised=clock_time(report.promised_at, reader),
        )

    def _state(self, report: OwnerReport, language: Language) -> str:
        if report.engineer is None:
            return self.say(f"state.{report.state}", language)
        match report.state:
            case OwnerState.ASSIGNED:
                return self.say("state.assigned_to", language, engineer=report.engineer)
            case OwnerState.IN_PROGRESS:
                return self.say("state.in_progress_by", language, engineer=report.engineer)
            case _:
                return self.say(f"state.{report.state}", language)

    def _place(self, report: OwnerReport, language: Language) -> str:
        if not report.place:
            return self.say("answer.unplaced", language)
        if report.category is Category.ELEVATOR and "电梯" not in report.place:
            return self.say("place.elevator", language, place=report.place)
        return report.place


def clock_time(moment: datetime, reader: Reader) -> str:
    """`10:42` today, `11-23 10:42` on another day, by the site's clock."""
    local = moment.astimezone(reader.zone)
    is_today = local.date() == reader.now.astimezone(reader.zone).date()
    return local.strftime("%H:%M" if is_today else "%m-%d %H:%M")


def named(homes: Sequence[Home]) -> str:
    return "、".join(f"{home.building_name}{home.unit_name}{home.room_name}" for home in homes)
