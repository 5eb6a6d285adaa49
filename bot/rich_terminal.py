"""The terminal for a person: colours, history, completion, and time that goes on while they think."""

from __future__ import annotations

import asyncio

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console as RichConsole
from rich.markup import escape
from rich.panel import Panel

from bot.adapters import Outgoing
from bot.terminal import GUIDE, Terminal, body_lines
from handlers.contents import COMMANDS

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")
OWN_COMMANDS = (
    "/as", "/at", "/file", "/reply", "/edit", "/unsay", "/react", "/invite", "/in", "/wait", "/operator",
    "/quit",
)  # fmt: skip


class RichScreen:
    """Each person in a colour of their own."""

    def __init__(self, width: int) -> None:
        self.out = RichConsole(force_terminal=True, width=width)
        self._colours: dict[str, str] = {}

    def colour(self, person: str) -> str:
        return self._colours.setdefault(person, COLOURS[len(self._colours) % len(COLOURS)])

    def heard(self, person: str, message: Outgoing, changed: bool) -> None:
        lines = [escape(line) for line in body_lines(message)]
        if message.title:
            lines[0] = f"[bold]{lines[0]}[/bold]"
        if message.buttons:
            lines[-1] = f"[{self.colour(person)}]{lines[-1]}[/]"
        heading = f"{person} (changed)" if changed else person
        self.out.print(
            Panel(
                "\n".join(lines), title=escape(heading), title_align="left", border_style=self.colour(person)
            )
        )

    def said(self, person: str, line: str) -> None:
        """The person's own line stands at the prompt already."""

    def note(self, text: str) -> None:
        self.out.print(escape(text), style="dim")


async def run(terminal: Terminal) -> None:
    """Prompt until the person leaves."""
    names = [f"/{name}" for name in COMMANDS]
    session: PromptSession[str] = PromptSession(
        completer=WordCompleter([*OWN_COMMANDS, *names], sentence=True), complete_while_typing=False
    )
    terminal.screen.note(GUIDE)
    with patch_stdout(raw=True):
        ticking = asyncio.create_task(_tick(terminal))
        try:
            while await terminal.do(await session.prompt_async(f"{terminal.person}> ")):
                pass
        except (EOFError, KeyboardInterrupt):
            pass
        finally:
            ticking.cancel()


async def _tick(terminal: Terminal) -> None:
    """What becomes due while nobody types still happens."""
    while True:
        await asyncio.sleep(1)
        await terminal.settle()
