"""Whether the chain says what was written: every row that was changed, removed, put in or moved is named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import repository
from audit.chain import NO_LINKS, Head, detail_digest, link_digest, next_head
from audit.erasing import ERASED, ORIGINS_FORGOTTEN
from audit.models import AuditDetail, AuditRecord, AuditSeal
from audit.sealing import link_of
from kit.clock import Clock

LINKS_AT_ONCE = 2_000
MOST_NAMED = 100
# A record that has no link after so long will get none by itself.
SEALED_WITHIN = timedelta(minutes=5)


class Damage(StrEnum):
    """What is wrong with a row, as `hub audit verify` says it."""

    RECORD_CHANGED = "the record was changed"
    RECORD_REMOVED = "the record was removed"
    LINK_REMOVED = "the link was removed"
    LINK_CHANGED = "the link was changed or moved"
    FACTS_CHANGED = "what it says was changed"
    ORIGIN_CHANGED = "from where it came was changed"
    DETAIL_REMOVED = "its details were removed"
    ERASED_UNTOLD = "its details were erased, and nobody wrote down that they were"
    NEVER_SEALED = "the record has no link"
    CUT_SHORT = "the chain does not reach the head that was given"
    OTHER_HEAD = "the chain is not the one whose head was given"


@dataclass(frozen=True)
class Finding:
    """`position` in the chain, None for what is in none."""

    damage: Damage
    record_id: UUID | None
    position: int | None


@dataclass(frozen=True)
class Verdict:
    """`erased`: records whose details are gone by right. `findings` are at most MOST_NAMED."""

    head: Head
    erased: int
    findings: Sequence[Finding]

    @property
    def is_whole(self) -> bool:
        return not self.findings

    def lines(self) -> Iterator[str]:
        """What the command prints: a line a finding, then the head."""
        for finding in self.findings:
            place = "no position" if finding.position is None else f"position {finding.position}"
            record = "" if finding.record_id is None else f", record {finding.record_id}"
            yield f"✗ {place}{record}: {finding.damage}"
        whole = "whole" if self.is_whole else f"damaged, {len(self.findings)} found (at most {MOST_NAMED} are named)"
        yield f"{self.head.position} records, {self.erased} with erased personal values: the chain is {whole}"
        yield f"head {self.head}"


async def verify(session: AsyncSession, clock: Clock, *, known: Head | None = None) -> Verdict:
    """Reads the chain from its root. `known`: a head that was noted elsewhere, which the chain must pass through."""
    head, erased = NO_LINKS, 0
    forgotten = await repository.forgotten_until(session, action=ORIGINS_FORGOTTEN) or ""
    findings: list[Finding] = []
    met_known = known is None or known == NO_LINKS
    while links := await repository.links(session, after=head.position, limit=LINKS_AT_ONCE):
        gone: list[tuple[UUID, int]] = []
        for seal, record, detail in links:
            findings += _missing(head, seal)
            head, found = _judge(head, seal, record, detail)
            findings += found
            if known is not None and seal.position == known.position:
                met_known = True
                findings += _unless(seal.digest == known.digest, Damage.OTHER_HEAD, seal)
            if detail is not None and record is not None and _is_erased(record, detail, forgotten=forgotten):
                gone.append((seal.record_id, seal.position))
        told = await repository.erasures(session, [record_id for record_id, _ in gone], action=ERASED)
        findings += [Finding(Damage.ERASED_UNTOLD, one, at) for one, at in gone if str(one) not in told]
        erased += len(gone)
        session.expunge_all()  # a chain of years does not stay in memory
        if len(findings) >= MOST_NAMED:
            break
    if not met_known and len(findings) < MOST_NAMED:
        findings.append(Finding(Damage.CUT_SHORT, None, known.position if known else None))
    loose = await repository.loose(session, before=clock.now() - SEALED_WITHIN, limit=MOST_NAMED)
    findings += [Finding(Damage.NEVER_SEALED, one, None) for one in loose]
    return Verdict(head, erased, findings[:MOST_NAMED])


def _missing(head: Head, seal: AuditSeal) -> Iterator[Finding]:
    gap = range(head.position + 1, seal.position)
    for position in gap[:MOST_NAMED]:
        yield Finding(Damage.LINK_REMOVED, None, position)


def _judge(
    head: Head, seal: AuditSeal, record: AuditRecord | None, detail: AuditDetail | None
) -> tuple[Head, list[Finding]]:
    """The head as the link says it, so that one broken link is one finding, and what is wrong with it."""
    findings: list[Finding] = []
    is_next = seal.position == head.position + 1
    findings += _unless(
        not is_next or next_head(head, seal.record_digest).digest == seal.digest, Damage.LINK_CHANGED, seal
    )
    if record is None:
        findings += _unless(False, Damage.RECORD_REMOVED, seal)
        return Head(seal.position, seal.digest), findings
    findings += _unless(link_digest(link_of(record)) == seal.record_digest, Damage.RECORD_CHANGED, seal)
    if detail is None:
        findings += _unless(False, Damage.DETAIL_REMOVED, seal)
    else:
        facts_hold = _holds(detail.facts, detail.facts_salt, record.facts_digest)
        origin_holds = _holds(detail.origin, detail.origin_salt, record.origin_digest)
        findings += _unless(facts_hold, Damage.FACTS_CHANGED, seal)
        findings += _unless(origin_holds, Damage.ORIGIN_CHANGED, seal)
    return Head(seal.position, seal.digest), findings


def _is_erased(record: AuditRecord, detail: AuditDetail, *, forgotten: str) -> bool:
    """Whether something is gone that the retention of origins did not take. `forgotten`: until when that went."""
    was_old = record.at.astimezone(UTC).isoformat() < forgotten
    return detail.facts is None or (detail.origin is None and not was_old)


def _holds(text: str | None, salt: str | None, digest: str) -> bool:
    """Whether a text is what the digest was made of; one that is gone is another matter."""
    return text is None or (salt is not None and detail_digest(text, salt) == digest)


def _unless(is_right: bool, damage: Damage, seal: AuditSeal) -> list[Finding]:
    return [] if is_right else [Finding(damage, seal.record_id, seal.position)]
