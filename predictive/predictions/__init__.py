"""What becomes of a finding: a prediction with a life, an alarm, perhaps an order; and how often it was right."""
