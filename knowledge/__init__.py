"""What people ask again and again, and the answers to it: articles that owners and staff find by asking."""
