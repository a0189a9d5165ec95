"""The reference solution of the homework: a submission's files, names and signatures.

The grader loads it as a package from where it lies (``grader/oracle/solution.py``); in a
submission folder the same files lie flat (``part1_focused``) and are graded like anyone else's.
"""
