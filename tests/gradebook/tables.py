"""Tables as platforms export them, made for given cells of the one column that is filled."""


def quoted(cell, delimiter, *, always):
    if always or any(c in cell for c in f'{delimiter}"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def written(rows, *, delimiter=",", end="\r\n", encoding="utf-8", mark="", always=False, last=True):
    """The bytes of a table."""
    lines = [delimiter.join(quoted(c, delimiter, always=always) for c in row) for row in rows]
    return (mark + end.join(lines) + (end if last else "")).encode(encoding)


def canvas(people, cells, *, worth="100.00"):
    """A gradebook; ``cells`` are those of HW3, one a person."""
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "HW2 (77)", "HW3 (78)"]
    rows = [
        [*header, "Notes, private", "Final Score"],
        ["", "", "", "", "", "", "Manual Posting", "", "(read only)"],
        ["    Points Possible", "", "", "", "", "50.00", worth, "", "(read only)"],
    ]
    for (number, login, _, first, last), cell in zip(people, cells, strict=True):
        name = f"{last}, {first}"
        rows.append([name, number, f"S{number}", login, "A, B", "17.50", cell, 'says "hi"', "61.2"])
    return [*rows, ["Student, Test", "9", "", "", "A", "", "", "", ""]]


def moodle(people, cells, *, most="100.00", names=True, header=None, word="Participant"):
    """A grading worksheet, with or without names."""
    known = ["Full name", "Email address"] if names else []
    header = header or [
        *("Identifier", *known, "Status", "Grade", "Maximum Grade"),
        *("Grade can be changed", "Last modified (grade)", "Feedback comments"),
    ]
    rows = [header]
    for (number, _, email, first, last), cell in zip(people, cells, strict=True):
        known = [f"{first} {last}", email] if names else []
        rest = ["Yes", "Sunday, 1 March 2026, 8:15 AM", "<p>line one\nline two</p>"]
        rows.append([f"{word} {number}", *known, "Submitted", cell, most, *rest])
    return rows


def gradescope(people, cells, *, most="100.0"):
    """The scores of an assignment."""
    rows = [
        *[["First Name", "Last Name", "SID", "Email", "Total Score", "Max Points", "Status"]],
    ]
    for (number, _, email, first, last), cell in zip(people, cells, strict=True):
        rows.append([first, last, number, email, cell, most, "Graded" if cell else "Missing"])
    return rows
