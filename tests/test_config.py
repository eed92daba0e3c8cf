"""Settings: file, environment, and that each explains itself."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import msgspec
import pytest

from perftui import config
from perftui.config import Settings, load_settings
from perftui.errors import SettingsError


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_settings(environment={}) == Settings()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "perftui.toml"
    file.write_text('[server]\nport = 9000\nallow_origins = ["https://a.test"]\n')
    settings = load_settings(
        file, {"PERFTUI_SERVER_PORT": "9001", "PERFTUI_SITES_FIRST_PARTY": "a.test, b.test"}
    )
    assert settings.server.port == 9001
    assert settings.server.allow_origins == ("https://a.test",)
    assert settings.sites.first_party == ("a.test", "b.test")


def test_an_unknown_setting_is_told_by_name(tmp_path: Path) -> None:
    file = tmp_path / "perftui.toml"
    file.write_text("[thresholds]\napi_slow = 3\n")
    with pytest.raises(SettingsError, match="api_slow"):
        load_settings(file, {})


@pytest.mark.parametrize("content", [b"[server", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "perftui.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"perftui\.toml is not valid TOML"):
        load_settings(file, {})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(tmp_path / "none.toml", {})


def test_every_setting_has_a_docstring_and_stands_in_the_docs() -> None:
    page = (Path(config.__file__).parent.parent / "docs" / "settings.md").read_text()
    tree = ast.parse(inspect.getsource(config))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for section in msgspec.structs.fields(Settings):
        table = type(getattr(Settings(), section.name))
        body = classes[table.__name__].body
        for setting in msgspec.structs.fields(table):
            place = next(
                number
                for number, node in enumerate(body)
                if isinstance(node, ast.AnnAssign)
                and isinstance(node.target, ast.Name)
                and node.target.id == setting.name
            )
            following = body[place + 1]
            assert isinstance(following, ast.Expr), f"{section.name}.{setting.name} says nothing"
            assert f"`{setting.name}`" in page, f"docs/settings.md lacks {setting.name}"
