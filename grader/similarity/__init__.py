"""Which submissions share code that others do not have, and which know the public checks only.

It is advice for a person who then looks at the code.  Nothing here is a mark.
"""

__all__: list[str] = []
