"""Helpers of end-to-end tests: analysis of received streams, processes, real peers. Knows only public surfaces."""
