"""Models in the line: frames of equipment from readings, and the detectors over them as they come."""
