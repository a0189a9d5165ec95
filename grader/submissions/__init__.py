"""What was handed in: layouts of sources, archives, and watching a folder."""
