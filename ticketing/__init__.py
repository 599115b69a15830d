"""The one core of work orders, whoever raised them."""
