"""What is sent between the grader and a guest: frames and replies."""
