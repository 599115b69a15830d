"""What became of versions and documents, in the shapes and the words that people read."""

from kit.i18n import Language, Texts
from rules.versions.differences import Difference
from rules.versions.importing import Imported
from rules.versions.reading import LineProblem
from rules.versions.schemas import (
    RuleDifferenceOut,
    RuleDifferencesOut,
    RuleDocumentProblem,
    RuleDraftMade,
    RulesImportedOut,
)
from rules.versions.service import Comparison


class RuleWords:
    """Both languages at once: what is told is kept and sent on."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def of_comparison(self, found: Comparison) -> RuleDifferencesOut:
        return RuleDifferencesOut(
            since=found.since, number=found.number, differences=[self._difference(one) for one in found.differences]
        )

    def of_import(self, found: Imported) -> RulesImportedOut:
        return RulesImportedOut(
            drafts=[RuleDraftMade(line=one.line, rule=one.rule, number=one.number) for one in found.drafts],
            unchanged=list(found.unchanged),
            problems=[self._problem(one) for one in found.problems],
        )

    def _difference(self, one: Difference) -> RuleDifferenceOut:
        return RuleDifferenceOut(
            field=".".join(one.path),
            label={language: self._label(one.path, language) for language in Language},
            before=one.before,
            after=one.after,
        )

    def _label(self, path: tuple[str, ...], language: Language) -> str:
        """The field in words, and what of it: `参数 hot_c`."""
        return " ".join([self._texts.text(f"rules.fields.{path[0]}", language), *path[1:]])

    def _problem(self, one: LineProblem) -> RuleDocumentProblem:
        message = {language: self._texts.of_error(one.error, language) for language in Language}
        return RuleDocumentProblem(
            line=one.line, column=one.column, rule=one.rule, code=one.error.code(), message=message
        )
