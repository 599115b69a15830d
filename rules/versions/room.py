"""The versions of rules put together: drafts and documents, and the look for what is due."""

from dataclasses import dataclass

from kit.clock import Clock
from kit.i18n import Texts
from kit.sweeps import Sweep
from rules.service import RuleService
from rules.versions.importing import RuleDocuments
from rules.versions.service import RuleVersions
from rules.versions.wording import RuleWords

EVERY_THREE_SECONDS = "* * * * * */3"


@dataclass(frozen=True)
class RuleVersioning:
    versions: RuleVersions
    documents: RuleDocuments
    words: RuleWords

    @property
    def provided(self) -> tuple[object, ...]:
        """The services that endpoints ask for by type."""
        return self.versions, self.documents, self.words

    def sweeps(self) -> list[Sweep]:
        return [Sweep("rules.activate_due", EVERY_THREE_SECONDS, self.versions.activate_due)]


def build_versioning(rules: RuleService, texts: Texts, clock: Clock) -> RuleVersioning:
    versions = RuleVersions(rules, texts, clock)
    return RuleVersioning(versions, RuleDocuments(rules, versions, texts), RuleWords(texts))
