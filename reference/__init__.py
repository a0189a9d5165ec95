"""The reference solution of the homework: one file a part, the same names and signatures as a submission.

The files serve two masters.  The grader imports them as a package (``reference.part1_focused``); in a submission
folder they lie flat (``part1_focused``) and are graded like anyone else's.  They need torch and NumPy only.
"""
