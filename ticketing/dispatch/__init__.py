"""Who gets an order: what it asks for, who may do it and how well, how it reaches them, and many orders at once."""
