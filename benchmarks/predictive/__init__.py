"""Models in the line: what looking at readings by all detectors costs, what learning costs, what alarms lose by it."""
