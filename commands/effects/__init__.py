"""Work between two events that needs the world: the gateway, imaging, files. Each step is safe to repeat."""
