"""How fast messages leave: rules of time, told with a clock in the hand."""

from __future__ import annotations

from datetime import timedelta

from bot.adapters.telegram import TELEGRAM_PACE
from bot.pacing import Pacer
from tests.world import NOON

ANA, BEN, ROOM = b"ana", b"ben", b"room"
SECOND = timedelta(seconds=1)


def pacer() -> Pacer:
    return Pacer(TELEGRAM_PACE)


def test_thirty_a_second_of_which_nine_are_spared_for_a_crisis() -> None:
    pace = pacer()
    assert pace.room_for(NOON, crisis=False) == 21
    for number in range(21):
        pace.sent(NOON, bytes([number]))
    assert pace.room_for(NOON, crisis=False) == 0
    assert pace.room_for(NOON, crisis=True) == 9
    for number in range(21, 30):
        pace.sent(NOON, bytes([number]))
    assert pace.room_for(NOON, crisis=True) == 0


def test_over_any_minute_no_more_than_thirty_a_second_leave() -> None:
    pace, sent, now = pacer(), 0, NOON
    for _tick in range(600):
        for _message in range(pace.room_for(now, crisis=True)):
            pace.sent(now, b"%d" % sent)
            sent += 1
        now += timedelta(milliseconds=100)
    assert 30 * 59 <= sent <= 30 * 61


def test_a_rest_saves_up_no_more_than_one_second() -> None:
    pace = pacer()
    pace.room_for(NOON, crisis=True)
    assert pace.room_for(NOON + timedelta(hours=1), crisis=True) == 30


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    pace = pacer()
    pace.room_for(NOON, crisis=True)
    pace.sent(NOON, ANA)
    assert pace.room_for(NOON - timedelta(hours=1), crisis=True) == 29
    assert pace.room_for(NOON - timedelta(hours=1) + SECOND, crisis=True) == 30


def test_one_a_second_to_a_chat_and_no_other_chat_is_held() -> None:
    pace = pacer()
    pace.sent(NOON, ANA)
    assert pace.held(NOON) == [ANA]
    assert pace.held(NOON + SECOND / 2) == [ANA]
    assert pace.held(NOON + SECOND) == []


def test_twenty_a_minute_to_a_room() -> None:
    pace, now = pacer(), NOON
    for _message in range(20):
        assert pace.held(now) == []
        pace.sent(now, ROOM, is_room=True)
        now += SECOND
    assert pace.held(now) == [ROOM]
    assert pace.held(NOON + 59 * SECOND) == [ROOM]
    assert pace.held(NOON + 60 * SECOND) == []


def test_a_wait_that_the_platform_asks_for_is_never_shortened() -> None:
    pace = pacer()
    pace.hold(ANA, NOON + 30 * SECOND)
    pace.hold(ANA, NOON + 5 * SECOND)
    pace.sent(NOON, BEN)
    assert pace.held(NOON + 2 * SECOND) == [ANA]
    assert pace.next_free() == NOON + 30 * SECOND
    assert pace.held(NOON + 30 * SECOND) == []


def test_a_platform_without_a_pace_holds_nobody() -> None:
    pace = Pacer(None)
    pace.sent(NOON, ANA)
    assert pace.held(NOON) == []
    assert pace.room_for(NOON, crisis=False) >= 100
