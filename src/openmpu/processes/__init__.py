"""What every process of ours needs: a readable title, a log, and the control socket to the server.

Used by gateways and workers. Knows neither media nor what is said on the socket.
"""
