"""What the people room holds of somebody. The row of a person stays, so that orders know that there was one."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from kit.personal import KeepingDuty, PersonalRows, Subject, TableHolder
from people import repository
from people.models import Account, Person, PersonSkill, Residence, WechatIdentity

NOBODY = "已注销"


class PeopleHolder(TableHolder):
    def __init__(self) -> None:
        super().__init__(
            "people",
            [
                PersonalRows(
                    Account, lambda who: Account.person_id == who.person_id, is_dropped=True,
                    hidden=frozenset({"password_hash", "token_epoch"}),
                ),
                PersonalRows(WechatIdentity, lambda who: WechatIdentity.person_id == who.person_id, is_dropped=True),
                PersonalRows(Residence, lambda who: Residence.person_id == who.person_id, is_dropped=True),
                PersonalRows(PersonSkill, lambda who: PersonSkill.person_id == who.person_id, {"certificate_no": None}),
                PersonalRows(
                    Person, lambda who: Person.id == who.person_id,
                    {"name": NOBODY, "phone": None, "wecom_user_id": None, "is_active": False},
                ),
            ],
        )  # fmt: skip

    async def duties(self, session: AsyncSession, subject: Subject) -> Sequence[KeepingDuty]:
        """Whoever still works for the company is known by name to those they work with."""
        roles = await repository.staff_roles(session, subject.person_id)
        return [KeepingDuty("employed", role) for role in roles]
