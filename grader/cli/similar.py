"""The command ``hw3 similar``."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.errors import PASSED, path_words, writing
from grader.cli.options import console
from grader.errors import Refused
from grader.text import one_line

__all__ = ["PAGE", "similar"]

PAGE = "similar.html"


@click.command()
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
def similar(out: Path) -> None:
    """List submissions that share unusual code, and who knows the public checks only.

    OUT is a folder of results of `hw3 grade`.  Writes similar.html there: advice for a person, and
    no mark.
    """
    from grader.gradebook import book
    from grader.report.writers import handed_in
    from grader.report.writers.files import write_text
    from grader.similarity import everybody
    from grader.similarity.fitted import fitted
    from grader.similarity.page import page, standing_out
    from grader.similarity.pairs import ranked

    if not out.is_dir():
        raise Refused(f"{path_words(out)} is no folder of results; name one that `hw3 grade` wrote")
    reports = book.read_results(out).reports
    if not reports:
        raise Refused(f"there are no results in {path_words(out)}: run `hw3 grade` first")
    kept = {key: handed_in.read(out / key) for key in reports}
    files = {key: found for key, found in kept.items() if found is not None}
    ranking = ranked(files, everybody.known())
    answers = fitted(reports.values())
    names = {key: report.submission.name for key, report in reports.items()}
    left_out = sorted(reports.keys() - ranking.own.keys())
    with writing(out / PAGE):
        write_text(out / PAGE, page(ranking, names, answers, left_out))
    terminal = console(100)
    for pair in standing_out(ranking):
        words = one_line(f"{pair.one} and {pair.other}", 90)
        terminal.print(f"{100 * pair.share:4.0f} %  ", words, markup=False, sep="")
    for one in answers:
        words = one_line(f"{one.id}: {', '.join(one.functions)}", 400)
        terminal.print("public checks alone  ", words, markup=False, sep="", soft_wrap=True)
    click.echo(f"{ranking.compared} of {len(reports)} compared; usual: {100 * ranking.usual:.0f} %")
    old = len(reports) - len(files)
    if old:
        click.echo(
            f"{old} were graded by a version that kept no files: the same `hw3 grade` command "
            "keeps them now"
        )
    click.echo(f"{path_words(out / PAGE)} shows the code side by side: advice, and no mark")
    raise SystemExit(PASSED)
