"""Pictures by URL: fetched beside the paint loop, decoded in a process that may die, fitted into their rectangles.

The bytes are a stranger's (security.md S6). A task never waits for a picture.
"""
