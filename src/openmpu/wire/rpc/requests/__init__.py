"""What the operations take: one frozen dataclass per operation, its fields the rows of `operations.md`'s tables.

Only names, types and ranges. What an absent value means, and which values go together, is `convert/`'s.
"""
