"""How elevators, smoke detectors and water meters speak: native topics over MQTT, by paho-mqtt."""
