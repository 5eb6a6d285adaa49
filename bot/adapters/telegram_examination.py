"""Looking at the Telegram bot from outside: is its token good, does it receive, what may it do in groups."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.adapters.telegram import Telegram

MANY = 500  # updates that wait


async def examine(adapter: Telegram) -> AsyncIterator[str]:
    """One line a finding; asks for no updates, in a running bot's place. Raises GatewayFault."""
    await adapter.check()
    yield "ok Telegram: the token is accepted."
    bot, webhook = await adapter.described()
    if webhook.url:
        yield (
            "! Telegram: a webhook is set, so another program gets what people write. If nobody wants that, "
            "restart the bot, which removes it; else give One Cloak a bot of its own (@BotFather)."
        )
    else:
        yield "ok Telegram: no webhook is set, so the bot receives by asking."
    if webhook.pending_update_count > MANY:
        yield (
            f"! Telegram: {webhook.pending_update_count} messages wait to be fetched, and are kept for a day "
            "only: see that the bot runs."
        )
    if bot.can_join_groups:
        yield "ok Telegram: the bot can be added to groups, such as a coordinators' room."
    else:
        yield "note Telegram: the bot can't be added to a room: tell @BotFather /setjoingroups, Enable."
    if bot.can_read_all_group_messages:
        yield (
            "note Telegram: the bot is given all that is said in its groups, which it does not need: "
            "@BotFather, /setprivacy, Enable."
        )
    else:
        yield "ok Telegram: of groups the bot is given only what is meant for it."
    yield "ok Telegram: its limits are kept (30 messages a second, 1 a chat, 20 a minute a group)."
