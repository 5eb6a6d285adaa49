"""What people read in the first minutes of a crisis: fixed texts, in more languages than all others.

They stand in `locales/<language>/crisis.po`. What to do follows published guidance: docs/crises.md names
it for each kind. Nothing here promises help: only what to do, what happened, and what the bot does.
"""

from __future__ import annotations

from collections.abc import Mapping

from handlers.messages import Text, _, _n

# --- whom to call ---------------------------------------------------------------------------------

CALL_UNKNOWN = _("Call your local emergency number now if you can. 112 works on most mobile phones.")


def call(number: str, *, certain: bool = True) -> Text:
    """The number of the country; one that nobody has checked is said to be so."""
    if certain:
        return _(
            "{number} is the emergency number here. If you can, call now: they are the fastest.",
            number=number,
        )
    return _(
        "{number} should be the emergency number here. If nobody answers, 112 works on most mobile phones.",
        number=number,
    )


def crisis_line(number: str) -> Text:
    return _("You can also call {number}. People there listen.", number=number)


# --- what to do, for each kind of danger ----------------------------------------------------------

KINDS: Mapping[str, Text] = {
    "medical": _("Illness or injury"),
    "fire": _("Fire, smoke or gas"),
    "violence": _("Violence or threats"),
    "self_harm": _("Thoughts of ending one's life"),
    "missing": _("Someone is missing"),
    "trapped": _("Trapped or stuck"),
    "shelter": _("No safe place to stay"),
    "child": _("A child in danger"),
    "disaster": _("Flood, storm, earthquake"),
    "other": _("Something else"),
}

WHAT_TO_DO: Mapping[str, tuple[Text, ...]] = {
    "medical": (
        _("If they don't answer and don't breathe normally: push hard and fast on the middle of the chest."),
        _("If blood is running: press firmly on the wound with a cloth and keep pressing."),
        _("If they breathe but don't wake up: lay them on their side."),
    ),
    "fire": (
        _("Leave the building now and close the doors behind you. Don't go back in."),
        _("In smoke stay low. Take the stairs, not the lift. With gas, use no switch and no flame."),
        _("If you can't get out: close the door, block its gaps with cloth and show yourself at a window."),
    ),
    "violence": (
        _("If you can, go where other people are, or to a room with a way out."),
        _("Keep away from the kitchen and from places with only one door."),
    ),
    "self_harm": (
        _("Thank you for writing it. You don't have to be alone with this."),
        _("If you can, go to someone you trust now, or let them come to you."),
        _("Go away from anything with which you could hurt yourself."),
    ),
    "missing": (
        _("Call the police now. You don't have to wait a day."),
        _("Ask those who saw them last, and look where they like to be."),
        _("Write down what they wore, and have a new photo ready."),
    ),
    "trapped": (
        _("Save your strength and your phone's battery."),
        _("Knock on a pipe or a wall three times, wait, and knock again."),
        _("Cover your mouth with a cloth. Light no flame."),
    ),
    "shelter": (
        _("Go to a place with light and people, if you can."),
        _("In the cold: stay dry, cover your head, keep moving. In the heat: shade and water."),
    ),
    "child": (
        _("Stay with the child, or ask someone whom you trust to stay."),
        _("Be calm, listen, and believe what they say. You need no proof to ask for help."),
    ),
    "disaster": (
        _("Earthquake: get down, cover your head, hold on. Then go outside, away from buildings."),
        _("Flood: go up. Don't walk or drive through moving water."),
        _("Storm: stay inside, away from windows."),
    ),
    "other": (_("Go to a safe place if you can, and stay with other people if that is safe."),),
}

# --- what is asked, at most one thing beside the place ----------------------------------------------

OFFER = _("Are you, or is someone else, in danger? Shall I tell a coordinator now?")
YES_TELL = _("Yes, tell a coordinator")
WHAT_IS_IT = _("What is it about?")
LIFE_IN_DANGER = _("Is someone's life in danger right now?")
YES = _("Yes")
NO = _("No")
DONT_KNOW = _("I don't know")
WHERE = _("Where are you? Send your place or write it.")
SEND_MY_PLACE = _("Send my place")
WRITE = _("Write here what is happening. I pass it on to the coordinators.")
MISTAKE = _("It was a mistake")

# --- what the bot does, and what has happened -------------------------------------------------------

WRITTEN_DOWN = _("I have written this down.")
NOBODY_REACHED = _("I could not reach any coordinator. I keep trying.")
ALSO_OUTSIDE = _("I also try to reach them outside this chat.")
TELLING_MORE = _("Nobody has taken charge yet. I am telling more people.")
BACK_TO_OTHERS = _("The coordinator can't go on with this. I am telling the others now.")
CALLED_OFF = _("All right, I have called it off. You can write SOS at any time.")
NO_OPEN_ALERT = _("You have no open alert.")


def told(count: int) -> Text:
    """How many coordinators know, and that none has answered."""
    if not count:
        return NOBODY_REACHED
    return _n(
        "I have told {count} coordinator. No answer yet.",
        "I have told {count} coordinators. None has answered yet.",
        count,
    )


def again_within(minutes: int) -> Text:
    return _n(
        "You will hear from me again within {count} minute.",
        "You will hear from me again within {count} minutes.",
        minutes,
    )


def taken_by(name: object) -> Text:
    return _("{name} has taken charge of this, for the coordinators. Write here and I pass it on.", name=name)


def handed_to(name: object) -> Text:
    return _("{name} has taken over, for the coordinators. Write here and I pass it on.", name=name)


def more_hands(count: int) -> Text:
    return _n("{count} more coordinator helps.", "{count} more coordinators help.", count)


def closed(reference: str) -> Text:
    return _("{reference} is closed by the coordinator. If it is not over, write SOS.", reference=reference)


# --- where someone may be watched -------------------------------------------------------------------

GOOD_MOMENT = _("Is this a good moment to write?")
NOT_NOW = _("Not now")
ALL_RIGHT = _("All right.")
HIDE_WORD = _("umbrella")  # the word that hides the chat, as in crisis.toml: one that nobody wonders about
RETURN_WORD = _("sunshine")
HOW_TO_HIDE = _(
    "Write {hide} at any time: I delete what I can of this chat and am silent until you write {back}.",
    hide=HIDE_WORD,
    back=RETURN_WORD,
)
ONLY_ANSWERS = _("I write to you only when you write to me.")
MAY_WRITE = _("You may write to me here")
MAY_USE_OTHER = _("You may also use my other account")
HERE_AGAIN = _("I am here again.")

# --- minors ----------------------------------------------------------------------------------------

FOR_MINORS = _("For people under 18 I ask a trained coordinator and send nobody else.")

# --- a roll-call in an area ------------------------------------------------------------------------


def roll_call(what: object) -> Text:
    return _("There is an emergency in your area: {what}. How are you?", what=what)


I_AM_SAFE = _("I am safe")
I_NEED_HELP = _("I need help")
I_CAN_HELP = _("I can help")
NOTED_SAFE = _("Thank you. I have noted that you are safe.")
EMERGENCY_OVER = _("The union says that the emergency in your area is over.")
