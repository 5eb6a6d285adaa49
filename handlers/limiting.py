"""/limits and /zone: the questions about when, how far and how often someone may be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handlers import choosing, tongues, week, zones
from handlers.context import Context
from handlers.forms import Again, Answers, Field, Form, Option, start
from handlers.limits import AS_NEEDED, summary, terms, zone_of
from handlers.messages import Button, Inbound, Outbound, Text, Words, _, _n, lines
from storage import gazetteer, offers

WEEKLY = (2, 5, 10, AS_NEEDED)
MOST_AT_ONCE = 9
ENOUGH = "enough"  # the answer that skips all further questions
WHEN = {
    "any": (week.ALWAYS, _("Any time")),
    "weekdays": (week.read("weekdays", ()), _("Weekdays")),
    "evenings": (week.read("evenings", ()), _("Evenings")),
    "weekends": (week.read("weekends", ()), _("Weekends")),
}
NO_OFFER = _("You have no offer. /offer makes one.")


# --- the questions --------------------------------------------------------------------------------


def _options(*options: Option) -> Callable[[Context, Answers], tuple[Option, ...]]:
    return lambda ctx, answers: (*options, Option(ENOUGH, _("That is all")))


def _wanted(name: str) -> Callable[[Answers], bool]:
    """Asked in its turn, or alone when only this one is to be changed."""
    return lambda answers: not answers.get(ENOUGH) and answers.get("only") in (None, name)


def _question(
    name: str, ask: Callable[[Context, Answers], Words], parse: Callable[[Context, str], Any],
    *options: Option, when: Callable[[Answers], bool] = lambda answers: True,
) -> Field:  # fmt: skip
    """A question that may be skipped, with a way to end the form and keep what was answered."""

    def read(ctx: Context, inbound: Inbound) -> Any:
        text = inbound.text.strip()
        return ENOUGH if text == ENOUGH else parse(ctx, text)

    def accept(answers: Answers, value: Any) -> Answers:
        return {**answers, ENOUGH: True} if value == ENOUGH else {**answers, name: value}

    wanted = _wanted(name)
    return Field(name, ask, read, _options(*options), lambda answers: wanted(answers) and when(answers),
                 accept, optional=True)  # fmt: skip


def _ask_when(ctx: Context, answers: Answers) -> Words:
    zone = zone_of(ctx.person, ctx.union)
    return lines(
        _("On which days, at which hours may I ask you? Choose, or write it, such as Mon-Fri 18-22."),
        _("Times are in {zone}. /zone changes that.", zone=zone),
    )


def _parse_when(ctx: Context, text: str) -> Any:
    if text in WHEN:
        return WHEN[text][0]
    found = week.read(text, ctx.core.catalogs.languages, asked=True)
    return found or Again(_("I did not find a day or an hour in that. Write it such as: Saturdays 10-14."))


def _parse_travel(ctx: Context, text: str) -> Any:
    found = text if text in tongues.TRAVEL else tongues.travel(text, asked=True)
    return found or Again(_("Please choose how you get around."))


def _parse_languages(ctx: Context, text: str) -> Any:
    found = tongues.languages(text, ctx.core.catalogs.languages, asked=True)
    return list(found) or Again(_("I did not find a language in that."))


def _ask_languages(ctx: Context, answers: Answers) -> Words:
    known = tongues.names([ctx.person.language], ctx.person.language)
    return _("Which languages do you speak besides {language}? Write them all.", language=known)


def _number(text: str) -> int | None:
    digits = "".join(each for each in text if each.isdigit())
    return int(digits) if digits and len(digits) <= 4 else None


def _parse_capacity(ctx: Context, text: str) -> Any:
    number = _number(text)
    return min(number, MOST_AT_ONCE) if number else Again(_("Please write a number."))


def _parse_weekly(ctx: Context, text: str) -> Any:
    number = _number(text)
    return min(number, AS_NEEDED) if number else Again(_("Please write a number."))


def _parse_quiet(ctx: Context, text: str) -> Any:
    if text == "none" or ctx.core.lexicons.answer(text, ctx.person.language) is False:
        return [0, 0]
    found = week.span(text)
    return list(found) if found else Again(_("Please write two hours, such as 23-7."))


def _parse_wakes(ctx: Context, text: str) -> Any:
    said = {"yes": True, "no": False}.get(text, ctx.core.lexicons.answer(text, ctx.person.language))
    return Again(_("Please answer yes or no.")) if said is None else said


def _ask_not_wanted(ctx: Context, answers: Answers) -> Words:
    if answers.get("chosen") or answers.get("family"):
        return choosing.SEVERAL.ask(ctx, answers)
    return _("Is there help that I should never ask you for? Write it, or choose.")


def _not_wanted_options(ctx: Context, answers: Answers) -> tuple[Option, ...]:
    nothing = () if answers.get("chosen") else (Option("none", _("Ask me for anything")),)
    return (*nothing, *choosing.SEVERAL.options(ctx, answers))


def _parse_not_wanted(ctx: Context, inbound: Inbound) -> Any:
    said = ctx.core.lexicons.answer(inbound.text, ctx.person.language)
    return "none" if inbound.text == "none" or said is False else choosing.SEVERAL.parse(ctx, inbound)


def _accept_not_wanted(answers: Answers, value: Any) -> Answers:
    """Kinds of help are gathered until that is all."""
    if value == "none":
        return {**answers, "not_wanted": []}
    changed = choosing.accept_several(answers, value)
    return {**changed, "not_wanted": changed["skills"]} if "skills" in changed else changed


def _parse_zone(ctx: Context, text: str) -> Any:
    found = _zones(ctx, text)
    return found or Again(_("I don't know that city. Write the largest city near you with the same time."))


def _zones(ctx: Context, text: str) -> tuple[str, ...]:
    """The zones of a city or country; a smaller town is looked for in the gazetteer."""
    known = zones.find(text, ctx.core.catalogs.languages)
    towns = [] if known else gazetteer.find(ctx.tx, text, ctx.union.centre, ctx.union.area_radius)
    areas = (gazetteer.nearest(ctx.tx, each.latitude, each.longitude) for each in towns[: zones.MOST])
    found = dict.fromkeys(area.time_zone for area in areas if area is not None and area.time_zone)
    return known or tuple(found)


def _accept_zone(answers: Answers, value: Any) -> Answers:
    """One zone is the answer; of several one has to be chosen."""
    return {**answers, "zone": value[0]} if len(value) == 1 else {**answers, "zones": list(value)}


# A bare number that is typed presses the button in that place, so the labels are no bare numbers.
def _weekly_option(number: int) -> Option:
    label = _n("{count} time a week", "{count} times a week", number)
    return Option(str(number), _("As often as needed") if number == AS_NEEDED else label)


def _capacity_option(number: int) -> Option:
    return Option(str(number), _n("{count} person", "{count} people", number))


# --- the form -------------------------------------------------------------------------------------


def limits(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/limits: when, how far and how often; with the name of a question only that one."""
    if offers.of(ctx.tx, ctx.person.id) is None:
        return [ctx.reply(NO_OFFER)]
    known = {field.name for field in LIMITS.fields}
    return start(ctx, LIMITS, {"only": argument} if argument in known else {})


def zone(ctx: Context, inbound: Inbound, argument: str) -> list[Outbound]:
    """/zone: the time zone of one's clock, by the name of a city."""
    found = _zones(ctx, argument) if argument else ()
    answers: Answers = {"only": "zone"}
    return start(ctx, LIMITS, _accept_zone(answers, found) if found else answers)


def _done(ctx: Context, answers: Answers) -> list[Outbound]:
    if answers.get("zone"):
        ctx.person.time_zone = answers["zone"]
    offer = offers.change(ctx.tx, ctx.now, ctx.person, ctx.union.time_zone, **terms(answers))
    if offer is None:
        saved = _("Times are in {zone}.", zone=zone_of(ctx.person, ctx.union))
        return [ctx.reply(saved if answers.get("zone") else NO_OFFER)]
    text = lines(_("I keep to this:"), *summary(offer, ctx.person, ctx.union, ctx.now))
    return [ctx.reply(text, *change_buttons())]


def change_buttons() -> tuple[Button, ...]:
    return (Button(_("Days, hours, limits"), "/limits"), Button(_("Change kinds of help"), "/kinds"))


LIMITS = Form(
    "limits",
    (
        _question("hours", _ask_when, _parse_when, *(Option(each, said[1]) for each, said in WHEN.items())),
        _question(
            "travel",
            lambda ctx, answers: _("How do you get around?"),
            _parse_travel,
            *(Option(each, label) for each, label in tongues.TRAVEL.items()),
        ),
        _question("languages", _ask_languages, _parse_languages),
        _question(
            "capacity",
            lambda ctx, answers: _("How many people can you help at once?"),
            _parse_capacity,
            *(_capacity_option(each) for each in (1, 2, 3)),
        ),
        _question(
            "weekly_limit",
            lambda ctx, answers: _("How often in a week may I ask you?"),
            _parse_weekly,
            *(_weekly_option(each) for each in WEEKLY),
        ),
        _question(
            "quiet",
            lambda ctx, answers: _("When do you want quiet? Write other hours such as 23-7."),
            _parse_quiet,
            Option("22-8", Text("22:00–8:00")),
            Option("none", _("No quiet hours")),
        ),
        _question(
            "wakes_for_urgent",
            lambda ctx, answers: _("May I wake you when it is urgent?"),
            _parse_wakes,
            Option("yes", _("Yes")),
            Option("no", _("No")),
            when=lambda answers: answers.get("quiet") != [0, 0],
        ),
        Field(
            "not_wanted",
            _ask_not_wanted,
            _parse_not_wanted,
            _not_wanted_options,
            _wanted("not_wanted"),
            _accept_not_wanted,
            optional=True,
        ),
        Field(
            "zone",
            lambda ctx, answers: lines(
                _("Times are in {zone}.", zone=zone_of(ctx.person, ctx.union)),
                _("Which city has the same time as you?"),
            ),
            lambda ctx, inbound: _parse_zone(ctx, inbound.text.strip()),
            lambda ctx, answers: tuple(Option(each, Text(each)) for each in answers.get("zones", ())),
            when=lambda answers: answers.get("only") == "zone",
            accept=_accept_zone,
        ),
    ),
    _done,
)  # fmt: skip
