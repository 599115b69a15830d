"""What orders are like, as data: kinds with their forms, flows with their states; every version kept."""
