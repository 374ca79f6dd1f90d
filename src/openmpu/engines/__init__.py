"""Where workers and gateways run: processes on this machine. Knows what a spec is, not what is in it."""
