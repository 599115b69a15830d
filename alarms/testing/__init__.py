"""Test windows: a day of testing detectors without anybody unplugging the hub."""
