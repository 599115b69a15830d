"""What the time-series store costs to ask and to keep: a generated year, and the demo fleet's own days."""
