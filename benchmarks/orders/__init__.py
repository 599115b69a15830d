"""What the desk costs with a million work orders: lists, counts, pages, requests a second."""
