"""Encoded frames to pictures and samples, one decoder per track, single-threaded."""
