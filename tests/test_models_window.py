"""The exact window behind limits: never more than it may hold, and no longer waits than needed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from linus_nb.models.governing.window import Window
from tests.limited_calls import SLACK


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 7)), max_size=40), st.integers(7, 20))
def test_a_window_never_holds_more_than_it_may_and_waits_no_longer_than_needed(asked, most):
    window, now, taken = Window(most, 10.0), 0.0, []
    for pause, amount in asked:
        now += pause
        wait = window.wait_s(amount, now)
        if wait > 0:
            just_before = sum(a for at, a in taken if at > now + wait - 1e-3 - 10.0)
            assert just_before + amount > most
        now += wait
        window.take(amount, now)
        taken.append((now, amount))
        assert sum(a for at, a in taken if at > now - 10.0 + SLACK) <= most


def test_what_was_reserved_and_not_used_is_free_at_once_and_what_was_used_beyond_counts():
    window = Window(100, 60.0)
    one = window.take(90, 0.0)
    assert window.wait_s(20, 1.0) == 59.0
    window.correct(one, 30)
    assert window.wait_s(70, 1.0) == 0.0
    window.correct(one, 95)
    assert window.wait_s(10, 1.0) == 59.0


def test_a_correction_that_comes_after_its_window_changes_nothing():
    window = Window(100, 60.0)
    one = window.take(90, 0.0)
    window.take(10, 70.0)
    assert window.wait_s(80, 70.0) == 0.0
    window.correct(one, 5)
    assert window.wait_s(95, 70.0) == 60.0


def test_more_than_fits_in_a_window_has_one_of_its_own():
    window = Window(100, 60.0)
    assert window.wait_s(500, 0.0) == 0.0
    window.take(500, 0.0)
    assert window.wait_s(1, 10.0) == 50.0
