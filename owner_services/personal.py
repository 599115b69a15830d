"""What owners' services hold of somebody: what they wrote in WeChat, codes sent to their phone, invitations."""

from kit.personal import AgedRows, PersonalRows, TableHolder
from owner_services.models import Invitation, PhoneCode, WeChatMessage


def owner_services_holder() -> TableHolder:
    return TableHolder(
        "owner_services",
        [
            PersonalRows(WeChatMessage, lambda who: WeChatMessage.openid.in_(who.openids), is_dropped=True),
            PersonalRows(
                PhoneCode, lambda who: PhoneCode.person_id == who.person_id, is_dropped=True,
                hidden=frozenset({"code_digest"}),
            ),
        ],
        [
            AgedRows("wechat_messages", WeChatMessage, "received_at", is_dropped=True),
            AgedRows("invitations", Invitation, "expires_at", is_dropped=True),
        ],
    )  # fmt: skip
