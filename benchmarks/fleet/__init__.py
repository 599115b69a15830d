"""Months of a simulated fleet, told day by day to the models that look for wear: what they would have ordered."""
