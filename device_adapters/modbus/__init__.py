"""Modbus TCP and RTU over TCP: reads registers as profiles say. It never writes to a device."""
