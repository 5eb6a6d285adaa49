"""What is open now, and how the union answers: /board and /stats, for coordinators."""

from __future__ import annotations

from datetime import timedelta

from handlers import alert_cards, cards, coordinators, figures, outcomes
from handlers.context import Context
from handlers.figures import Answered
from handlers.messages import Button, Inbound, Outbound, Text, _, _n, lines
from handlers.texts import duration, joined
from storage import figures as stored
from storage import needs
from storage.tables import Alert, Need

PAGE = 10
MOST_PAGES = 50
LATELY = timedelta(days=30)
URGENT, ORDINARY = 2, 3  # how bad a need counts among alerts


def board(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/board: the open alerts and needs, the worst and then the oldest first; a number means a page."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "board")
    page = int(argument) if argument.isascii() and argument.isdigit() and len(argument) < 4 else 1
    page = min(max(1, page), MOST_PAGES)
    alerts, open_needs = stored.count_open(ctx.tx)
    if not alerts + open_needs:
        return [ctx.reply(_("Nothing is open."))]
    shown = _on_page(ctx, page)
    buttons = [
        Button(joined(_("I take it"), each.reference), f"/take {each.reference}")
        for each in shown
        if isinstance(each, Alert) and each.state == "open"
    ]
    if alerts + open_needs > page * PAGE:
        buttons.append(Button(_("Show more"), f"/board {page + 1}"))
    counts = joined(
        _n("{count} alert open", "{count} alerts open", alerts),
        _n("{count} need open", "{count} needs open", open_needs),
    )
    return [ctx.reply(lines(*(_line(ctx, each) for each in shown)), *buttons, title=counts)]


def _on_page(ctx: Context, page: int) -> list[Alert | Need]:
    most = page * PAGE
    found: list[tuple[int, bool, Alert | Need]] = [
        (severity(each), False, each) for each in stored.open_alerts(ctx.tx, most)
    ]
    found += [(URGENT if each.urgent else ORDINARY, True, each) for each in stored.open_needs(ctx.tx, most)]
    # What is equally bad stays in the order of its age, the alerts first.
    found.sort(key=lambda each: each[:2])
    return [each for _severity, _is_need, each in found[most - PAGE : most]]


def severity(alert: Alert) -> int:
    """As its sign shows it; a fault comes after all that is about people."""
    signs = {sign: number for number, sign in alert_cards.SIGNS.items()}
    return signs.get(alert_cards.sign(alert), ORDINARY)


def _line(ctx: Context, case: Alert | Need) -> Text:
    if isinstance(case, Alert):
        return alert_cards.alert_title(ctx, case, ctx.person.language)
    sign = alert_cards.SIGNS[URGENT if case.urgent else ORDINARY]
    title = cards.title(ctx, case, ctx.person.language)
    age = duration(ctx.now - case.created_at)
    return Text("{sign} {rest}", values={"sign": sign, "rest": joined(title, age, _standing(ctx, case))})


def _standing(ctx: Context, case: Need) -> Text:
    if case.state == "taken":
        return _("someone has accepted")
    asked = len(needs.invitations(ctx.tx, case.id))
    if not asked:
        return _("nobody asked yet")
    return _n("{count} person asked", "{count} people asked", asked)


# --- figures ------------------------------------------------------------------------------------------


def stats(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/stats: how fast alerts are taken, how they end, and how many needs nobody meets; no names."""
    if not coordinators.is_coordinator(ctx):
        return coordinators.refused(ctx, "stats")
    since = ctx.now - LATELY
    found = figures.of(stored.alerts_since(ctx.tx, since), ctx.now)
    of_needs = stored.needs_since(ctx.tx, since)
    ended = [
        Text("{label}: {count}", values={"label": outcomes.label(outcome), "count": count})
        for outcome, count in found.ended
    ]
    unmatched = of_needs.asked - of_needs.matched
    share = round(100 * unmatched / of_needs.asked) if of_needs.asked else 0
    return [
        ctx.reply(
            lines(
                *_answered(_("SOS: {count}", count=found.sos.count), found.sos),
                *_answered(_("All alerts: {count}", count=found.all.count), found.all),
                _("False alarms: {count}", count=found.false_alarms),
                *ended,
                _("Needs: {count}. Nobody has accepted: {unmatched} ({share} %)",
                  count=of_needs.asked, unmatched=unmatched, share=share),
            ),
            title=_("The last 30 days"),
        )
    ]  # fmt: skip


def _answered(first: Text, found: Answered) -> list[Text]:
    if not found.count:
        return [first]
    told = [first]
    if found.half_within is not None and found.most_within is not None:
        told.append(
            _("Taken: half within {half}, nine of ten within {most}",
              half=duration(found.half_within), most=duration(found.most_within))
        )  # fmt: skip
    late = duration(figures.TOO_LONG)
    told.append(_("Nobody within {time}: {count}", time=late, count=found.too_late))
    return told
