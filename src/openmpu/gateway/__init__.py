"""The gateway: ends WebRTC and hands out encoded tracks over the link. Never decodes, never waits for a reader."""
