"""The browser story: log in, see the alarm appear by itself, open its order, find both marked on the chart."""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.conftest import need
from tests.stories.harness import Demo

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]

LIVENESS_MS = 60_000
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# No look-ups of the browser maker's hosts: the hub's pages need none.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# `make screenshots` keeps what the story saw.
KEEP = os.environ.get("HUB_SCREENSHOTS")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("desk"), fleet=True)
    await running.start()
    yield running
    running.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    chromium = need("chromium", package="chromium")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        await running.close()


async def logged_in(browser: Browser, demo: Demo, username: str) -> Page:
    context = await browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=DESK)  # type: ignore[arg-type]
    context.set_default_timeout(LIVENESS_MS)
    page = await context.new_page()
    await page.goto(demo.hub_url)
    await page.fill("#username", username)
    await page.fill("#password", demo.accounts()[username])
    await page.click("button[type=submit]")
    await page.wait_for_selector("[data-test=live]")
    return page


async def keep(page: Page, name: str, *, whole: bool = False) -> None:
    if KEEP:
        folder = Path(KEEP)
        folder.mkdir(parents=True, exist_ok=True)
        await page.wait_for_timeout(800)  # let fonts and the chart settle
        await page.screenshot(path=folder / f"{name}.png", full_page=whole)


async def test_the_alarm_appears_by_itself_and_leads_to_its_order_and_its_mark_on_the_chart(
    demo: Demo, browser: Browser
) -> None:
    page = await logged_in(browser, demo, "dispatcher")
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    await page.goto(f"{demo.hub_url}/alarms")
    row = page.locator("[data-test=alarms] tr", has_text="困人").first
    await expect(row).to_have_count(0)

    async with httpx.AsyncClient() as client:
        fault = {"name": "passenger-trapped", "device": "LIFT-06"}
        (await client.post(f"{demo.simulators_url}/faults", json=fault)).raise_for_status()
    await expect(row).to_be_visible(timeout=LIVENESS_MS)
    await keep(page, "desk-alarms")

    await page.goto(f"{demo.hub_url}/work-orders")
    await page.locator("[data-test=work-orders] tr", has_text="困人").first.get_by_role("link").first.click()
    await page.wait_for_selector("[data-test=work-order]")
    await expect(page.locator("[data-task=intercom]")).to_be_visible()
    await expect(page.locator("[data-task=rescue_hotline]")).to_contain_text("96333")
    await expect(page.locator("[data-test=timeline] li").first).to_be_visible()
    await keep(page, "desk-order")

    await page.click("[data-test=order-equipment]")
    await expect(page.locator("[data-test=values]")).to_be_visible(timeout=LIVENESS_MS)
    await expect(page.locator("[data-test=chart] canvas").first).to_be_visible(timeout=LIVENESS_MS)
    await expect(page.locator("[data-mark=alarm]").first).to_be_visible(timeout=LIVENESS_MS)
    await expect(page.locator("[data-mark=order]").first).to_be_visible(timeout=LIVENESS_MS)
    await keep(page, "desk-equipment", whole=True)
    assert failures == []
    await page.context.close()


@pytest.mark.parametrize("path", ["", "alarms", "work-orders", "equipment", "rules", "devices", "notifications"])
async def test_every_page_opens_in_both_languages_at_desk_and_phone_size(
    demo: Demo, browser: Browser, path: str
) -> None:
    page = await logged_in(browser, demo, "manager")
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("response", lambda answer: failures.append(answer.url) if answer.status >= 500 else None)
    await page.goto(f"{demo.hub_url}/{path}")
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(re.compile("[\u4e00-\u9fff]"))
    await keep(page, f"{path or 'overview'}-zh-desk")
    await page.click("[data-test=language]")
    await expect(heading).to_have_text(re.compile("[A-Za-z]{3}"))
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    await keep(page, f"{path or 'overview'}-en-phone")
    assert failures == []
    await page.context.close()


async def test_a_wrong_password_says_so_and_lets_nobody_in(demo: Demo, browser: Browser) -> None:
    context = await browser.new_context(locale="zh-CN")
    page = await context.new_page()
    await page.goto(demo.hub_url)
    await page.fill("#username", "dispatcher")
    await page.fill("#password", "not the password")
    await page.click("button[type=submit]")
    await expect(page.get_by_role("alert")).to_be_visible(timeout=LIVENESS_MS)
    assert "/login" in page.url
    await context.close()


async def test_a_link_that_is_no_longer_valid_says_so_without_a_log_in(demo: Demo, browser: Browser) -> None:
    context = await browser.new_context(locale="zh-CN", viewport=PHONE)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(f"{demo.hub_url}/o/reports/not-a-token")
    await expect(page.get_by_text("失效").first).to_be_visible(timeout=LIVENESS_MS)
    assert "/login" not in page.url
    await context.close()
