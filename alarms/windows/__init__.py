"""Maintenance windows: times at which nuisance alarms are held back by design."""
