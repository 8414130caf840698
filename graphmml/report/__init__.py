"""From evidence to words and pictures."""
