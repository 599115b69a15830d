"""What adapters cost alone: from the socket to a batch that the bus has taken."""
