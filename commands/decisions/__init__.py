"""What may be done, and what it comes to: bodies, and functions of a unit of work. No I/O of their own."""
