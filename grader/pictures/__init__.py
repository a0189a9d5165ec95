"""What ``explore.py``, a program in the student's folder, draws its pictures with."""

from grader.pictures.own import own
from grader.pictures.page import Page
from grader.pictures.subject import Subject
from grader.pictures.wishes import ask

__all__ = ["Page", "Subject", "ask", "own"]
