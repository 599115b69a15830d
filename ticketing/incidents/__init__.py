"""What is one piece of work: joining, splitting, merging, linking, and who follows it."""
