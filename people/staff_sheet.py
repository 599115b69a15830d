"""The table of staff and contractors: who they are, what they can, where they work. Rights are given by hand."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.imports import Column, Plan, Row
from catalog.service import CatalogService
from catalog.sheets import Cell
from catalog.words import Words
from kit.access import Role, Scope
from kit.i18n import Language, Texts
from people import repository
from people.kinds import PersonKind, Skill
from people.models import Person, PersonSkill
from people.owner_sheet import phone_of
from people.repository import PersonFilter

_SEPARATORS = re.compile(r"[、，,;；/|\n]+")
_EVERYBODY = 100_000


@dataclass
class _Change:
    """A row and the person it speaks of. None: what the file does not say stays."""

    row: Row
    person: Person
    skills: list[PersonSkill] | None
    building_ids: list[UUID] | None


class StaffSheet:
    kind = "staff"
    columns: tuple[Column, ...] = (
        Column("name", True), Column("phone", True), Column("kind"), Column("wecom_user_id"), Column("skills"),
        Column("certificates"), Column("areas"),
    )  # fmt: skip
    importers: tuple[Role, ...] = (Role.MANAGER,)
    exporters: tuple[Role, ...] = (Role.MANAGER,)

    def __init__(self, catalog: CatalogService, texts: Texts) -> None:
        self._catalog = catalog
        self._kinds = Words(PersonKind, "person_kind", texts)
        self._skills = Words(Skill, "skill", texts)

    async def check(self, session: AsyncSession, site_id: UUID, rows: Sequence[Row]) -> Plan:
        plan, changes = Plan(), list[_Change]()
        known = {person.phone: person for person in await self._staff(session, site_id)}
        buildings = await self._catalog.find_buildings(session, site_id)
        names = {row.code: row.id for row in buildings} | {row.name: row.id for row in buildings}
        wecom = await repository.wecom_users(session, {row.get("wecom_user_id") for row in rows} - {""})
        taken: dict[str, tuple[UUID | None, str]] = {user: (one.id, one.name) for user, one in wecom.items()}
        seen: dict[str, int] = {}
        for row in rows:
            phone = phone_of(row, plan)
            if phone is None or not row.get("name"):
                continue
            if (first := seen.setdefault(phone, row.line)) != row.line:
                plan.refuse(row.line, "phone", "twice", line=first)
                continue
            person = known.get(phone) or Person(kind=PersonKind.STAFF, phone=phone, language=Language.ZH)
            plan.created += phone not in known
            plan.updated += phone in known
            change = _Change(row, person, self._read_skills(row, plan), _read_areas(row, names, plan))
            changes.append(change)
            self._check_wecom(row, person, taken, plan)
            self._read_kind(row, plan)
        plan.changes = changes
        return plan

    async def apply(self, session: AsyncSession, site_id: UUID, plan: Plan) -> None:
        changes: list[_Change] = plan.changes
        for change in changes:
            person, row = change.person, change.row
            person.name = row.get("name")
            if row.get("kind"):
                person.kind = self._kinds.read(row.get("kind")) or person.kind
            if "wecom_user_id" in row.values:
                person.wecom_user_id = row.get("wecom_user_id") or None
            session.add(person)
        await session.flush()
        ids = [change.person.id for change in changes]
        await repository.join_site_all(session, person_ids=ids, site_id=site_id)
        here = Scope.of(site_id)
        for change in changes:
            if change.skills is not None:
                for skill in change.skills:
                    skill.person_id = change.person.id
                await repository.replace_skills(session, change.person.id, change.skills)
            if change.building_ids is not None:
                areas = [(building_id, site_id) for building_id in change.building_ids]
                await repository.replace_areas(session, change.person.id, areas, within=here)

    async def export(self, session: AsyncSession, site_id: UUID, language: Language) -> list[Mapping[str, Cell]]:
        people = await self._staff(session, site_id)
        ids = [person.id for person in people]
        names = {row.id: row.name for row in await self._catalog.find_buildings(session, site_id)}
        skills: dict[UUID, list[PersonSkill]] = {person_id: [] for person_id in ids}
        for skill in await repository.skills(session, ids):
            skills[skill.person_id].append(skill)
        areas: dict[UUID, list[str]] = {person_id: [] for person_id in ids}
        for area in await repository.areas(session, ids):
            if area.building_id in names:
                areas[area.person_id].append(names[area.building_id])
        return [
            {
                "name": person.name, "phone": person.phone, "wecom_user_id": person.wecom_user_id,
                "kind": self._kinds.write(PersonKind(person.kind), language),
                "skills": "、".join(self._skills.write(Skill(one.skill), language) for one in skills[person.id]),
                "certificates": "；".join(
                    self._written(one, language) for one in skills[person.id] if one.certificate_no
                ),
                "areas": "、".join(areas[person.id]),
            }
            for person in people
        ]  # fmt: skip

    async def _staff(self, session: AsyncSession, site_id: UUID) -> list[Person]:
        found: list[Person] = []
        for kind in (PersonKind.STAFF, PersonKind.CONTRACTOR):
            wanted = PersonFilter(site_id=site_id, kind=kind)
            rows, _ = await repository.find(session, Scope.of(site_id), wanted, sort="name", limit=_EVERYBODY, offset=0)
            found += rows
        return found

    def _read_kind(self, row: Row, plan: Plan) -> None:
        if row.get("kind") and self._kinds.read(row.get("kind")) is None:
            plan.refuse(row.line, "kind", "unknown_word", value=row.get("kind"), known=self._kinds.known)

    def _read_skills(self, row: Row, plan: Plan) -> list[PersonSkill] | None:
        if not {"skills", "certificates"} & set(row.values):
            return None
        found: dict[Skill, PersonSkill] = {}
        for word in _words(row.get("skills")):
            skill = self._skills.read(word)
            if skill is None:
                plan.refuse(row.line, "skills", "unknown_word", value=word, known=self._skills.known)
                continue
            found[skill] = PersonSkill(skill=skill)
        for word in _words(row.get("certificates")):
            certified = self._certificate(word)
            if certified is None:
                plan.refuse(row.line, "certificates", "certificate", value=word)
                continue
            found[Skill(certified.skill)] = certified
        return list(found.values())

    def _certificate(self, text: str) -> PersonSkill | None:
        word, number, *rest = [*re.split(r"[:：]", text), ""][:4]
        skill = self._skills.read(word)
        if skill is None or not number.strip():
            return None
        until = next((part.strip() for part in rest if part.strip()), "")
        try:
            valid_until = date.fromisoformat(until) if until else None
        except ValueError:
            return None
        return PersonSkill(skill=skill, certificate_no=number.strip(), valid_until=valid_until)

    def _written(self, skill: PersonSkill, language: Language) -> str:
        until = f":{skill.valid_until.isoformat()}" if skill.valid_until else ""
        return f"{self._skills.write(Skill(skill.skill), language)}:{skill.certificate_no}{until}"

    def _check_wecom(self, row: Row, person: Person, taken: dict[str, tuple[UUID | None, str]], plan: Plan) -> None:
        user = row.get("wecom_user_id")
        if not user:
            return
        holder, name = taken.setdefault(user, (person.id, row.get("name")))
        if holder != person.id or (holder is None and name != row.get("name")):
            plan.refuse(row.line, "wecom_user_id", "wecom_taken", value=user, name=name)


def _read_areas(row: Row, names: Mapping[str, UUID], plan: Plan) -> list[UUID] | None:
    if "areas" not in row.values:
        return None
    for word in _words(row.get("areas")):
        if word not in names:
            plan.refuse(row.line, "areas", "unknown_building", value=word)
    return [names[word] for word in dict.fromkeys(_words(row.get("areas"))) if word in names]


def _words(text: str) -> list[str]:
    return [word.strip() for word in _SEPARATORS.split(text) if word.strip()]
