"""Pages of the server, one plain file each; served as they are, under a strict content policy."""
