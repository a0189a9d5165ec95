"""The pages: one for the student, one for the instructor, one for the class; each is a single file.

Nothing is loaded from anywhere: style and script are inlined and named by their hashes in the
content security policy, pictures are ``data:`` addresses.  Without its script a page shows all that
it has; with it, code can be copied, and tables sorted and filtered.  Every text that a template
prints is stripped of what acts instead of showing, capped and escaped, by the environment rather
than by each template.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from grader import layout
from grader.report.analysis.roll import ClassFacts
from grader.report.deliver import ForInstructor, ForStudent
from grader.report.figures import charts
from grader.report.views.class_view import class_view
from grader.report.views.student_view import report_view
from grader.text import one_line, passage

__all__ = ["index_page", "instructor_page", "render", "student_page"]


def student_page(delivery: ForStudent, *, requests: bool = False) -> str:
    """What a student may see.

    Args:
        delivery: the report.
        requests: whether the page has a form of words for regrade requests.
    """
    view = report_view(delivery.report, requests=requests)
    return render("report.html", "student.js", view=view, for_instructor=False)


def instructor_page(delivery: ForInstructor) -> str:
    """Everything: hidden checks and the grader's own tracebacks too; not to be handed out."""
    view = report_view(delivery.report)
    return render("report.html", "student.js", view=view, for_instructor=True)


def index_page(
    deliveries: Sequence[ForInstructor],
    title: str = "Homework 3",
    seconds: float | None = None,
    facts: ClassFacts | None = None,
) -> str:
    """The class as a table that links each submission's pages.

    Args:
        deliveries: one for each submission.
        title: of the page.
        seconds: what grading took; ``None`` leaves it out.
        facts: what is to be said beside the results; ``seconds`` is one of them.

    Returns:
        A page of HTML that loads nothing.
    """
    view = class_view([one.report for one in deliveries], facts or ClassFacts(seconds=seconds))
    scripts = ("class.js", "large.js") if view.data else ("class.js",)
    return render("index.html", *scripts, title=one_line(title, 120), view=view)


def render(template: str, *scripts: str, **values: Any) -> str:
    """A page of the given template, self-contained.

    Args:
        template: name of a file in ``grader/report/templates``.
        *scripts: names of our scripts there, one after the other.
        **values: what the template shows, by name.

    Returns:
        A page of HTML that loads nothing.
    """
    style = _file("style.css")
    code = "".join(map(_file, scripts))
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),
            style_hash=_hash(style),
            script=Markup(code),
            script_hash=_hash(code) if code else "",
            charts=charts,
            **values,
        )
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


@cache
def _file(name: str) -> str:
    # read_text makes every line end a newline, as a browser does before it hashes.
    return (layout.PACKAGE / "report" / "templates" / name).read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("grader.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(value: object) -> object:
    """Whatever a template prints, once: markup is ours, any other text may be a student's."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return passage(value)
    return value
