"""Approvals of orders: who must agree before something may happen, asked, told, voted on and timed."""
