"""``perftui demo`` without a terminal, and the commands over the session that it ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perftui.commands.demo import recorded_batches
from tests.commands.test_errors import perftui


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store that holds the demo session."""
    folder = tmp_path_factory.mktemp("demo")
    file = folder / "session.jsonl"
    file.write_bytes(b"".join(json.dumps(one).encode() + b"\n" for one in recorded_batches()))
    done = perftui("--db", str(folder / "demo.db"), "import", str(file))
    assert done.returncode == 0, done.stderr
    return str(folder / "demo.db")


def test_the_demo_prints_its_log_and_waterfalls_and_ends() -> None:
    done = perftui("demo")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("session ")
    assert any("▲" in line and "/api/recommendations" in line for line in lines)
    assert any("✖ status 500" in line for line in lines)
    assert any("no Timing-Allow-Origin" in line for line in lines)
    assert any(line.startswith("P1 ") for line in lines)


def test_the_demo_ends_quietly_when_its_reader_has_enough() -> None:
    import subprocess
    import sys

    shell = f"{sys.executable} -m perftui demo | head -3"
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, timeout=60, check=True)
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == ""


def test_what_the_recording_holds(store: str) -> None:
    """What the tour through the app shows, and the screens are photographed with."""
    done = perftui("--db", store, "sessions", "--json")
    (session,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert session["pageviews"] >= 8
    assert session["requests"] >= 80
    assert session["errors"] >= 5
    assert session["slow"] >= 5
    assert session["unknown_sizes"] >= 5, "the third party without Timing-Allow-Origin"
    assert set(session["vitals"]) == {"LCP", "INP", "CLS", "FCP", "TTFB"}
    log = [json.loads(line) for line in perftui("--db", store, "log", "--json").stdout.splitlines()]
    types = {entry["entry_type"] for entry in log}
    assert types >= {"navigation", "resource", "longtask", "layout-shift", "capture", "error"}


def test_filters_narrow_the_log(store: str) -> None:
    def names(expression: str) -> set[str]:
        done = perftui("--db", store, "log", "--json", "--filter", expression)
        assert done.returncode == 0, done.stderr
        return {json.loads(line)["name"] for line in done.stdout.splitlines()}

    slow = names("is:slow type:fetch")
    assert slow
    assert all("/api/" in name for name in slow)
    assert names("status>=500") <= names("is:error")
    assert names("entry:capture order_placed") == {"order_placed"}


def test_a_mistake_in_a_filter_is_one_line_with_its_place(store: str) -> None:
    done = perftui("--db", store, "log", "--filter", "status:abc")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "character 8" in done.stderr


def test_waterfalls_as_text_json_and_ascii(store: str) -> None:
    done = perftui("--db", store, "waterfall", "--pageview", "1", "--width", "100")
    assert "LCP" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines()[2:-1])
    done = perftui("--db", store, "waterfall", "--pageview", "1", "--ascii")
    assert done.stdout.isascii()
    done = perftui("--db", store, "waterfall", "--pageview", "1", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["page_view_number"] for row in rows} == {1}
    done = perftui("--db", store, "waterfall", "--page", "/products", "--aggregate", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(1 <= row["page_views"] <= row["of_page_views"] for row in rows)
    done = perftui("--db", store, "waterfall", "--pageview", "99")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_a_session_leaves_as_jsonl_and_comes_back_equal(store: str, tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    assert perftui("--db", store, "export", "jsonl", "-o", str(file)).returncode == 0
    copy = str(tmp_path / "copy.db")
    assert perftui("--db", copy, "import", str(file)).returncode == 0
    again = perftui("--db", copy, "import", str(file))
    assert again.stdout.startswith("0 entries imported"), "a second time adds nothing"

    def entries(path: str) -> list[dict[str, object]]:
        lines = perftui("--db", path, "log", "--json").stdout.splitlines()
        return [{**json.loads(line), "seq": None} for line in lines]

    assert entries(copy) == entries(store)


def test_what_cannot_be_imported_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    good = {
        "sessionId": "s",
        "pageViewId": "p",
        "entries": [{"entryType": "mark", "name": "m", "startTime": 1}],
    }
    bad = {**good, "entries": [{"entryType": "mark"}], "batchId": "b"}
    file.write_text("\n".join([json.dumps(good), "{", json.dumps(bad)]))
    done = perftui("--db", str(tmp_path / "a.db"), "import", str(file))
    assert done.returncode == 1
    assert "line 2" in done.stderr
    assert "line 3, entry 0: name: missing" in done.stderr
    assert done.stdout.startswith("1 entry imported")
    done = perftui("--db", str(tmp_path / "a.db"), "import", str(tmp_path / "nothing.jsonl"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_doctor_says_how_it_is_and_what_would_be_kept(store: str) -> None:
    done = perftui("--db", store, "doctor", "--json")
    findings = {json.loads(line)["name"]: json.loads(line) for line in done.stdout.splitlines()}
    assert findings["store"]["status"] == "ok"
    assert findings["browser SDK"]["status"] == "ok"
    done = perftui("doctor", "--redaction", "https://a.test/?token=abc&page=2")
    assert done.stdout == "https://a.test/?token=REDACTED&page=2\n"


def test_the_script_tag_names_the_server() -> None:
    done = perftui("--port", "9000", "sdk", "--format", "tag")
    assert done.stdout == '<script src="http://127.0.0.1:9000/perftui.js"></script>\n'
    assert perftui("sdk", "--format", "integrity").stdout.startswith("sha384-")
