"""What the shop does by itself: policies after events, rounds by the clock. `policies.py` lists all."""
