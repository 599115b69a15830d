"""Weeks of wear in equipment that reads well every minute: days compared with its own first days and with its peers."""
