"""What other systems read, by schemas of these files that stand in ``tests/schemas``."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parent / "schemas"


def problems(name, document):
    """What the schema of that name says against a document; nothing, where it is valid."""
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(document)]


SUBMISSION = {
    "CLASSROOM": "cs-2026",
    "ASSIGNMENT": "hw3",
    "ASSIGNMENT_TYPE": "individual",
    "OWNER": "ada",
    "USERNAME": "ada",
    "SUBMISSION_TAG": "submit/2026-11-29T12-00-00Z-a1b2c3d",
    "COMMIT_URL": "https://example.invalid/commit/a1b2c3d",
    "RELEASE_URL": "https://example.invalid/releases/tag/submit",
    "REVIEW_URL": "",
    "PAGES_BASE_URL": "https://example.invalid",
    "GITHUB_ACTIONS": "true",
}
"""The variables of Classroom 50's runner."""
