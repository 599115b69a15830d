"""Tools that know no building: clock, database session, events, access, errors, HTTP, supervision."""

from kit.cancellation import mend_wait_for

# Here, because every process of the hub comes by before it waits for anything.
mend_wait_for()
