"""What the templates show, as plain records."""
