"""What the MQTT lines count, shared by all brokers."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class MqttMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["broker", "line"]
        self.messages = Counter("hub_mqtt_messages", "Messages received", labels, registry=registry)
        self.foreign = Counter("hub_mqtt_foreign_messages", "Messages of no known dialect", labels, registry=registry)
        self.session_up = Gauge(
            "hub_mqtt_session_up", "1 while all subscriptions are granted", labels, registry=registry
        )
        self.waiting = Gauge(
            "hub_mqtt_waiting_messages", "Messages received, not yet acknowledged", labels, registry=registry
        )
        self.forgotten = Counter(
            "hub_mqtt_forgotten_sessions", "Times a broker had lost our session and what waited in it", labels,
            registry=registry,
        )  # fmt: skip
        self.pauses = Counter("hub_mqtt_pauses", "Times reading stopped for back-pressure", labels, registry=registry)
        self.published = Counter("hub_mqtt_published", "Messages a broker took", ["broker"], registry=registry)
        self.answers_passed_over = Counter(
            "hub_console_answers_passed_over", "Answers of consoles that a broker had retained",
            registry=registry,
        )  # fmt: skip
