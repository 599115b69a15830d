"""The reading line under load: MQTT in, every reading stored, alarms out; this hub and its peers on one broker."""
