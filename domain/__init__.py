"""The shop's rules. Pure: no clock, no random, no input or output."""
