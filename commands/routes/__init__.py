"""What comes over HTTP: the way to a command, and the answer. `commands.ROUTERS` lists them."""
