"""Pictures in, measures and pictures out: no web, no database, no clock, no randomness."""
