"""WHIP (RFC 9725) as text and rules: offers, answers, trickle fragments, HTTP headers; no sockets and no HTTP."""
