"""Benchmarks: programs that print a table; `make bench` runs them."""
