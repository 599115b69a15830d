"""Device fleets and outside services to test against; knows no adapter's code."""
