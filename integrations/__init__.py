"""Adapters: one module each, each fits a port of `domain/ports/`."""
