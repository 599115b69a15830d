"""The bus: durable batches of readings between adapters and the lines that store and judge them (NATS JetStream)."""
