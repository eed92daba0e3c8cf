"""The command line: which commands there are, the global options, and how errors end.

A command's module is imported when the command is called, so ``perftui --version`` and
``perftui log`` never pay for the app, the proxy or an export.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from perftui import __version__
from perftui.errors import PerftuiError

COMMANDS: dict[str, str] = {
    "demo": "perftui.commands.demo:demo",
    "serve": "perftui.commands.serve:serve",
    "proxy": "perftui.commands.proxy:proxy",
    "sessions": "perftui.commands.sessions:sessions",
    "replay": "perftui.commands.replay:replay",
    "log": "perftui.commands.log:log",
    "waterfall": "perftui.commands.waterfall:waterfall",
    "report": "perftui.commands.report:report",
    "compare": "perftui.commands.compare:compare_command",
    "overlay": "perftui.commands.overlay:overlay_command",
    "import": "perftui.commands.importing:import_",
    "export": "perftui.commands.export:export",
    "pull": "perftui.commands.pull:pull",
    "stats": "perftui.commands.stats:stats",
    "prune": "perftui.commands.prune:prune",
    "sdk": "perftui.commands.sdk:sdk",
    "doctor": "perftui.commands.doctor:doctor",
    "schema": "perftui.commands.schema:schema",
}
"""Command name -> ``module:attribute``, in the order that ``--help`` lists them."""


ANYWHERE = {"--db": True, "--config": True, "--no-color": False, "--ascii": False}
"""Global options that may also stand behind the command (no command has one of that name), and
whether a value follows."""


def with_global_options_first(arguments: list[str]) -> list[str]:
    """The arguments with the options of :data:`ANYWHERE` moved before the command, where click
    looks for them. What stands behind ``--`` is no option and stays.

    Raises:
        click.BadOptionUsage: the last of them lacks its value.
    """
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
            break
        name, equals, _ = argument.partition("=")
        if name not in ANYWHERE:
            rest.append(argument)
            continue
        first.append(argument)
        if ANYWHERE[name] and not equals:
            value = next(waiting, None)
            if value is None:
                raise click.BadOptionUsage(name, f"Option '{name}' requires an argument.")
            first.append(value)
    return first + rest


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_global_options_first(args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The store file [default: PERFTUI_DB, [store] path, or perftui.db in your data folder].",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file [default: ./perftui.toml, or the one in your config folder].",
)
@click.option("--no-color", is_flag=True, help="No colour (so does NO_COLOR in the environment).")
@click.option("--ascii", "ascii_only", is_flag=True, help="ASCII characters only.")
@click.option("-v", "--verbose", count=True, help="Say more; twice for all.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the capture server.")
@click.version_option(__version__, "-V", "--version", message="perftui %(version)s")
@click.pass_context
def cli(
    ctx: click.Context,
    db: Path | None,
    config: Path | None,
    no_color: bool,
    ascii_only: bool,
    verbose: int,
    port: int | None,
) -> None:
    """See in the terminal what the network was doing at each moment of a browser session.

    Without a command: start (or join) the capture server, show the script tag to paste into
    your page, and open the live app.
    """
    import msgspec

    from perftui.commands.context import Context
    from perftui.config import default_store_path, load_settings

    settings = load_settings(config)
    if port is not None:
        settings = msgspec.structs.replace(
            settings, server=msgspec.structs.replace(settings.server, port=port)
        )
    if ascii_only:
        settings = msgspec.structs.replace(
            settings, app=msgspec.structs.replace(settings.app, ascii=True)
        )
    if db is None and "PERFTUI_DB" not in os.environ and settings.store.path:
        db = Path(settings.store.path).expanduser()
    color = not no_color and not os.environ.get("NO_COLOR")
    if not color:
        # Textual and every child process read the environment.
        os.environ["NO_COLOR"] = "1"
    ctx.obj = Context(
        settings=settings,
        store_path=db or default_store_path(),
        color=color,
        verbose=verbose,
        config_path=config,
    )
    if ctx.invoked_subcommand is None:
        from perftui.commands.live import live

        ctx.invoke(live)


def main(arguments: list[str] | None = None) -> None:
    """The entry point. Exit codes: 0 done, 1 failed, 2 wrong usage."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code; errors are one line on stderr."""
    try:
        result: Any = cli.main(arguments, prog_name="perftui", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except SystemExit:
        # click ends so when the reader of stdout has gone (`perftui log … | head`); having had
        # enough is no failure.
        return 0
    except click.Abort:
        click.echo("perftui: interrupted", err=True)
        return 130
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except PerftuiError as error:
        from perftui.analysis.text import sanitise

        click.echo(f"perftui: {sanitise(str(error))}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # `perftui log … | head`: the reader has enough, and that is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _show(error: click.ClickException) -> None:
    """As ``error.show()`` does it, with whatever of the arguments is in the message made harmless."""
    from perftui.analysis.text import sanitise

    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        click.echo(context.get_usage(), err=True)
        click.echo(f"Try '{context.command_path} --help' for help.\n", err=True)
    click.echo(f"Error: {sanitise(error.format_message())}", err=True)


if __name__ == "__main__":
    main()
