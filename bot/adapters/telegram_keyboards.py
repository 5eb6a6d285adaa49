"""The buttons of a message, as Telegram shows them."""

from __future__ import annotations

from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup

from bot.adapters import Press
from bot.adapters.telegram_text import rows
from bot.adapters.text import clean

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | None


def keyboard(buttons: Sequence[Press]) -> Markup:
    """The buttons below a message, or below the text field where one asks for a position."""
    if not buttons:
        return None
    # Only the keyboard below the text field can ask for a position; its buttons say their labels.
    if any(button.asks_place for button in buttons):
        return ReplyKeyboardMarkup(
            [[_key(button) for button in row] for row in rows(buttons)],
            resize_keyboard=True,
            one_time_keyboard=True,
        )
    return inline(buttons)


def _key(button: Press) -> KeyboardButton:
    # Sent only where it is true: Telegram allows at most one optional field of a button.
    return KeyboardButton(clean(button.label), request_location=button.asks_place or None)


def inline(buttons: Sequence[Press]) -> InlineKeyboardMarkup:
    """In a group the buttons bear no token, only their number: who presses is asked each time."""

    def data(button: Press) -> str:
        return button.token or str(buttons.index(button) + 1)

    return InlineKeyboardMarkup(
        [
            [InlineKeyboardButton(clean(button.label), callback_data=data(button)) for button in row]
            for row in rows(buttons)
        ]
    )
