"""NATS JetStream as we use it: feeds of history for projections, consumers for policies, dead letters."""
