"""What owners say of the work done for them, and what follows: verdicts, ratings, urging, complaints as a loop."""
