"""The doors of the server: RPC, WHIP, status, health. Handlers are some lines each; services decide."""
