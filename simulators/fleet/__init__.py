"""The devices of a site as one fleet: physics, faults and distortions behind their equipment codes."""
