"""What comes in over the links: rosters, and the encoded frames of the tracks that the scene needs."""
