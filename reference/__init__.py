"""The reference solution of the homework: a submission's files, names and signatures.

The grader imports it as a package (``reference.part1_focused``); in a submission folder the same
files lie flat (``part1_focused``) and are graded like anyone else's.
"""
