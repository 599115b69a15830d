"""Tables of the kit: what belongs to every request and to no room."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from kit.db import Base


class AnsweredRequest(Base):
    """An answer kept for a day. `name`: digest of caller and key; `what`: digest of the request's content; `sealed`:
    the answer, to be read only with the caller's key, which is stored nowhere."""

    __tablename__ = "answered_request"

    name: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    answered_at: Mapped[datetime] = mapped_column(index=True)
