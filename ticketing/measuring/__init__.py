"""What figures need of each order, measured once and kept: figures over many orders read no timelines."""
