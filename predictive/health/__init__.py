"""How well an equipment is, as one figure with its parts, its trend and its place among its like."""
