"""The reference solution of the homework: a submission's files, names and signatures.

The grader loads this folder as a package (``grader/oracle/solution.py``).  The same files can be
put into a submission folder, without a package, and graded like any other submission.
"""
