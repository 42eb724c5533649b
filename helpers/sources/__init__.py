"""How pictures come to the disk: no lesson opens it, and it imports nothing else of `helpers`."""
