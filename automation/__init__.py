"""Rules on orders: when something happens to an order and a condition holds, something is done; and webhooks."""
