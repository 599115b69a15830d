"""Staff and owners, skills, shifts, roles, login."""
