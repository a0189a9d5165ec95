"""What ``explore.py``, a program in the student's folder, needs to draw its pictures."""

from grader.explore.options import ask
from grader.explore.own import own
from grader.explore.page import Page
from grader.explore.subject import Subject

__all__ = ["Page", "Subject", "ask", "own"]
