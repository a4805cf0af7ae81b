"""Payment gateways behind `domain.ports.gateway`, and a simulator that speaks their protocol."""
