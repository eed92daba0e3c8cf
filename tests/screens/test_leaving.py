"""A screen that is left, while what it has asked for is still to come."""

from __future__ import annotations

from tests.screens.conftest import MakeApp, settle, until


async def test_a_screen_that_is_left_is_not_called_after_the_refresh_of_the_next(
    make_app: MakeApp,
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        left, called = app.screen, list[str]()
        left.call_after_refresh(called.append, "while it is there")
        await until(pilot, lambda: called == ["while it is there"])
        app.pop_screen()
        left.call_after_refresh(called.append, "on its way out")
        await until(pilot, lambda: not left.is_attached)
        app.screen.call_after_refresh(called.append, "the next")
        await until(pilot, lambda: called[-1] == "the next")
        assert called == ["while it is there", "the next"]
