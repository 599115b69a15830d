"""Detectors: pure arithmetic on windows of readings. They know no I/O, no equipment and no site."""
