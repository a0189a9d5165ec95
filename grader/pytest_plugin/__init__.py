"""``pytest --hw3``: the public checks as pytest's items."""
