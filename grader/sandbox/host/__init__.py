"""The grader's side: sessions, and their processes."""
