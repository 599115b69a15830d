"""How long equipment has left: learned from the lives of a fleet, or from the trend of a sign of wear to its limit."""
