"""Every protocol that we speak, without sockets and without a clock: bytes in, values out, and back."""
