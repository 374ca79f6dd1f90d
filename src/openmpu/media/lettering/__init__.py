"""Letters on the picture: fonts found by family name, texts and clocks drawn by Pillow into artworks."""
