"""What the application asks of the outside. Each protocol has one contract suite over every adapter.

Only the methods that we call are here; their docstrings are the contract.
"""
