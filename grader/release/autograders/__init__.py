"""What other systems start: files that are copied into what is handed to them, as they are.

They stand alone, since they run before the grader is installed: they import the standard library
only.
"""

__all__: list[str] = []
