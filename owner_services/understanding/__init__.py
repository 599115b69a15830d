"""What an owner means: intent, trouble and place out of a line of Chinese. Pure, no model, tested by a long table."""
