"""Handlers of the RPC door, some lines each: read the request, call a service, say what it answered.

The order of `operations.md` 1.8 is theirs to keep: required parameters, identifiers, the app, the task, the values.
"""
