"""How pictures come to the disk; no lesson opens it."""
