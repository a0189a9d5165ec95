"""Makes what is handed out: packages without the solution, for students and for other systems."""

__all__: list[str] = []
