"""The doors before the services."""  # noqa: A005 - it mirrors src
