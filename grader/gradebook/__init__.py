"""What becomes of results: tables for instructors."""
