"""Inside a worker: encoded tracks in, one encoded stream out. Knows nothing of HTTP, the store or the vendor's wire."""
