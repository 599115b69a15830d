"""Device fleets and outside services to test against; knows no adapter's code.

`python -m simulators serve` plays the demo site: physics (`physics`), what may go wrong (`faults`), the devices as one
fleet (`fleet`), how they speak (`mqtt`, `modbus`), the outside services (`platform`) and stories with expected outcomes
(`scenario`, `scenarios`).
"""
