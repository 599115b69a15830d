"""Who is told of an alarm, when and why: policies, escalations, digests, destinations, a record of each decision."""
