"""The page and the schema of the report's JSON say what the declarations say."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest

from perftui.analysis.insights.answer import Question, Unit
from perftui.analysis.insights.questions import SHAPES
from tests.conftest import REPOSITORY

SUFFIXES = {
    Unit.MILLISECONDS: "_ms",
    Unit.MILLISECONDS_CHANGE: "_ms",
    Unit.BYTES: "_bytes",
    Unit.BYTES_CHANGE: "_bytes",
    Unit.SHARE: "share",
    Unit.MOMENT: "_ms",
}


def test_the_page_and_the_schema_are_those_of_the_declarations() -> None:
    script = REPOSITORY / "scripts" / "write_report_docs.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_is_one_and_refuses_what_is_no_answer() -> None:
    schema = json.loads((REPOSITORY / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"question": "assets"}, schema)


def test_every_question_is_documented() -> None:
    assert set(SHAPES) == {question.value for question in Question} | {"compare"}
    page = (REPOSITORY / "docs" / "questions.md").read_text(encoding="utf-8")
    for question in Question:
        assert f"--question {question.value}" in page


@pytest.mark.parametrize("question", SHAPES)
def test_names_of_columns_tell_their_unit(question: str) -> None:
    for shape in SHAPES[question]:
        for column in shape.columns:
            suffix = SUFFIXES.get(column.unit)
            assert suffix is None or column.key.endswith(suffix), (shape.key, column.key)
            assert column.description.endswith("."), (shape.key, column.key)
