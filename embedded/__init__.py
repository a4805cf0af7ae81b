"""Real servers from installed packages, so that a laptop needs nothing but Python."""
