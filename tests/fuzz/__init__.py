"""Many requests that nobody should send, to real web processes on a real database: `make fuzz`."""
