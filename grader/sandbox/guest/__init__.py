"""The guest's side: loading a submission and carrying out calls."""
