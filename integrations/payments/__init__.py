"""Payment gateways behind `domain.ports.PaymentGateway`, and a simulator that speaks their protocol."""
