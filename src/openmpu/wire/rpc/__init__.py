"""The vendor's RPC dialect: parameters, signatures, requests, conversion, answers, faults.

Pure: bytes and values in, bytes and values out. Knows the wire names (`UserPanes.1.Texts.2.X`), and nobody else does;
knows neither sockets nor the services.
"""
