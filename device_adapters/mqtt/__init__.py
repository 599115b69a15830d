"""MQTT: any number of brokers, any dialect that a profile can describe."""
