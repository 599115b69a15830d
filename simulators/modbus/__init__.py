"""How pumps and electricity meters speak: Modbus TCP gateways with several units each, by pymodbus' server."""
