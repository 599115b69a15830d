"""What an owner can do."""
