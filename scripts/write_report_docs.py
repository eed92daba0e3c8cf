"""Write docs/report-json.md and docs/report.schema.json from the declarations of the answers.

``--check`` writes nothing, and fails where they are not what the declarations say.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from perftui.analysis.insights.answer import Question
from perftui.analysis.insights.questions import SHAPES
from perftui.analysis.rendering.documents import schema

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, SCHEMA = DOCS / "report-json.md", DOCS / "report.schema.json"

HEAD = """# The JSON of reports

`perftui report --json` prints one object a line, one for each question; `perftui compare A B --json`
prints one. [report.schema.json](report.schema.json) is their JSON Schema (draft 2020-12); every
answer that the tests make is validated against it. This page and the schema are written from the
same declarations as the tables in the terminal (`scripts/write_report_docs.py`).

`null` is unknown or not applicable, never zero. `…_ms` are milliseconds, `…_bytes` bytes, `…_share`
0 to 1 of a whole. Percentiles interpolate linearly between the two nearest values (as numpy does by
default).

## Every answer

| field | what it is |
|---|---|
| `question` | the question's name, or `compare` |
| `asked` | the question in words |
| `headline` | the answer in a sentence, with the first cause in it |
| `cause` | what is named first: `kind`, `name`, `value`, `unit`; null where there is nothing to name |
| `complete` | false while the rest is still being read |
| `coverage` | what it rests on: `sessions`, `page_views`, `entries`, `requests`, and the moments of receipt `first_epoch_ms` and `last_epoch_ms`; of a comparison, the side after |
| `coverage_before` | of a comparison, the same of the side before; null of any other answer |
| `unknown` | how many requests lack a figure, by what is lacking |
| `notes` | sentences: `kind` is `unknown`, `assumption`, `caveat` or `partial`; `text` |
| `tables` | the tables below, by their key |
| `totals` | how many rows each table has in all; `tables` may hold only the first |
| `distributions` | histograms: `key`, `title`, `unit`, `edges` (one more than `counts`), `counts`, `marks` |
| `trends` | medians in order of time: `key`, `title`, `unit`, `labels`, `medians`, `p25`, `p75`, `counts`, `since` |
"""


def page() -> str:
    """The page about the JSON."""
    parts = [HEAD]
    for question, shapes in SHAPES.items():
        title = "comparison" if question == "compare" else Question(question).words
        parts.append(f"## `{question}`: {title}\n")
        for shape in shapes:
            parts.append(f"### `{shape.key}`\n\n{shape.description}\n")
            parts.append("| field | unit | what it is |\n|---|---|---|")
            parts.extend(
                f"| `{column.key}` | {column.unit.value} | {column.description} |"
                for column in shape.columns
            )
            parts.append("")
    return "\n".join(parts)


def schema_text() -> str:
    """The JSON Schema, as it stands in the file."""
    return json.dumps(schema(SHAPES), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or check; 1 where something is stale."""
    stale = 0
    for path, text in ((PAGE, page()), (SCHEMA, schema_text())):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv:
            print(f"{path.name} is stale: run scripts/write_report_docs.py")
            stale = 1
        else:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
