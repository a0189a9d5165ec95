"""A call as data: how it is made, checked and shown."""
