"""Requests into values of the model: defaults are put in and rules between parameters hold here, and only here.

The vendor's names end in this folder; what comes out is a `TaskSpec`, a `Layout`, or a function from spec to spec.
"""
