"""Who may call the endpoints of work orders, by role: one place for what each of them asks."""

from typing import Annotated

from fastapi import Depends

from kit.access import STAFF, Principal, Role
from kit.http import allow

# Who handles orders. A tester looks on.
HANDLING = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)
AT_THE_DESK = (Role.DISPATCHER, Role.MANAGER)

Reader = Annotated[Principal, Depends(allow(*STAFF))]
Handler = Annotated[Principal, Depends(allow(*HANDLING))]
DeskClerk = Annotated[Principal, Depends(allow(*AT_THE_DESK))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]
