"""Terminal behaviour that all commands share: help with examples, short error messages, exit codes, signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from fasttrig.base.errors import EXIT_BAD_INPUT, FasttrigError, near_names

EXIT_BUG = 70
"""EX_SOFTWARE of sysexits.h, an internal software error; differs from the codes of `fasttrig.base.errors`."""

EXIT_INTERRUPTED, EXIT_TERMINATED, EXIT_PIPE_CLOSED = 130, 143, 141
"""128 plus the number of the signal, as in a shell."""

DEBUG = "--debug"


class Command(TyperCommand):
    """A command whose help ends with examples, line by line."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_lines(formatter, self.epilog)


class CommandGroup(TyperGroup):
    """Commands listed by panel; a reader that closed the pipe ends them quietly."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        names = self.list_commands(ctx)
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in names:
            command: Any = self.commands[name]
            panel = command.rich_help_panel if isinstance(command.rich_help_panel, str) else "Commands"
            panels.setdefault(panel, []).append((name.ljust(max(map(len, names))), _summary(command)))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Nothing more: `format_options` lists them first."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_lines(formatter, self.epilog)

    def invoke(self, ctx: Any) -> Any:
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # discard the buffered output
            raise typer.Exit(EXIT_PIPE_CLOSED) from None
        return found


def add_command(app: typer.Typer, run: Callable[..., None], panel: str, examples: Sequence[str]) -> None:
    """Register `run` under its name, in a panel of the help, with examples at the end of the command's help."""
    app.command(cls=Command, rich_help_panel=panel, epilog=epilog(examples))(run)


def epilog(examples: Iterable[str]) -> str:
    """Examples as the last lines of a help text."""
    return "\n".join(["Examples:", *(f"  {example}" for example in examples)])


def _write_lines(formatter: Any, text: str | None) -> None:
    if text:
        formatter.write(f"\n{text}\n")


def _summary(command: Any) -> str:
    """The first paragraph of a command's help."""
    return " ".join((command.help or "").split("\n\n")[0].split())


def run_app(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code.

    Errors of the user, and bugs of fasttrig, are shown in a few lines without a traceback. A bug has its own exit code.
    ``--debug``, anywhere in the line, shows the traceback of both.
    """
    debug = DEBUG in arguments
    signal.signal(signal.SIGTERM, _terminate)
    try:
        command = typer.main.get_command(app)
        given = [argument for argument in arguments if argument != DEBUG]
        return int(command.main(given, prog_name="fasttrig", standalone_mode=False) or 0)
    except typer.Abort:
        return EXIT_INTERRUPTED
    except typer.TyperException as error:
        if debug:
            raise
        return _told(_usage(error), error.exit_code)
    except FasttrigError as error:
        if debug:
            raise
        return _told(str(error), error.exit_code)
    except OSError as error:
        if debug:
            raise
        return _told(_system(error), EXIT_BAD_INPUT)
    except Exception as error:  # the outermost frame: any other exception is a bug of fasttrig
        if debug:
            raise
        return _told(_bug(error), EXIT_BUG)


def _terminate(number: int, frame: object) -> None:
    """SIGTERM cleans up as Ctrl-C does."""
    sys.exit(EXIT_TERMINATED)


def _told(message: str, code: int) -> int:
    if message:
        typer.echo(message, err=True)
    return code


def _usage(error: typer.TyperException) -> str:
    """A mistake in the command line itself, in the form of all other errors."""
    context: Any = getattr(error, "ctx", None)
    if context is None or type(error).__name__ == "NoArgsIsHelpError":
        return "" if context is not None else error.format_message()
    said = error.format_message().replace("Value error, ", "")
    what, _, hint = said.partition(" (Possible options: ")
    hint = near_names(_last_word(what), hint.rstrip(")").split(", ")) + "; " if hint else ""
    if ". Did you mean " in what:
        what, _, named = what.partition(". Did you mean ")
        hint = f"did you mean {named.rstrip('?').replace(', ', ' or ')}?; "
    told = FasttrigError(what.rstrip("."), where=context.command_path, try_=f"{hint}{context.command_path} --help")
    return str(told)


def _last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1]


def _system(error: OSError) -> str:
    """An error of a file or disk that no command handles itself."""
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    told = FasttrigError(
        "cannot read or write a file",
        where=" > ".join(names),
        got=error.strerror or str(error),
        try_=f"{DEBUG} shows the traceback",
    )
    return str(told)


def _bug(error: Exception) -> str:
    told = FasttrigError(
        "internal error: this is a bug in fasttrig, not in your input",
        got=f"{type(error).__name__}: {str(error)[:500]}",
        try_=f"run the command again with {DEBUG} and report the traceback",
    )
    return str(told)
