"""The time-series store: admission, latest values, series."""
