"""Floods of alarms: what explains them, what is told together, what flaps, and the figures that say how bad it is."""
