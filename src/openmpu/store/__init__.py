"""What survives a restart: the Store port (services/ports.py) on SQLite or PostgreSQL, by SQLAlchemy and Alembic.

Knows tables and transactions; decides nothing about tasks, and hears the time as an argument.
"""
