"""Tools that know no building: clock, database session, events, access, errors, HTTP, supervision."""
