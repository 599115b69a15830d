"""Sites, buildings, spaces, equipment, points and profiles; discovered devices and dead letters."""
