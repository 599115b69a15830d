"""Locks on equipment: whoever works on it has one, and until the last is off its nuisance alarms are held back."""
