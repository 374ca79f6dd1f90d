"""Arithmetic of time: ticks, track time, selection, back-off. Pure: no clock is read here."""
