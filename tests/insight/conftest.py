from tests.ticketing.conftest import town

__all__ = ["town"]
