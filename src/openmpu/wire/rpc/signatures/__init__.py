"""The two signatures of the vendor's clients: V1 in a parameter (wire.md 3) and V3 in a header (wire.md 4).

Strings and keys in, strings out: no clock, no nonces, no accounts.
"""
