"""What one lesson alone uses, by its topic."""
