"""The hub, the simulator and the fake platform as a scenario sees them: a few calls, all through their own doors.

Everything that knows names of the hub's API is in this file.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, Self

import httpx

from simulators.errors import ScenarioCannotGoOn
from simulators.scenario.matching import matches
from simulators.scenario.steps import StartFault, Subject
from simulators.scenario.targets import Targets

API = "/api/v1"
ANSWER_WITHIN_S = 20.0
RETRIES_OF_WECHAT_S = 20.0
CLOCK_SLACK = timedelta(seconds=1)


class Doors:
    """`async with Doors(targets, since=…) as doors`. Only what happened after `since` is found.

    Every call raises ScenarioCannotGoOn when a server does not answer or refuses.
    """

    def __init__(self, targets: Targets, *, since: datetime) -> None:
        self._targets = targets
        self._since = since - CLOCK_SLACK
        self._stack = AsyncExitStack()
        self._equipment: dict[str, str] = {}
        self._hub, self._simulator, self._platform = (
            httpx.AsyncClient(base_url=url, timeout=ANSWER_WITHIN_S, trust_env=False)
            for url in (targets.hub, targets.simulator, targets.platform)
        )

    async def __aenter__(self) -> Self:
        for client in (self._hub, self._simulator, self._platform):
            await self._stack.enter_async_context(client)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    # --- hub ----------------------------------------------------------------------------------------------------

    async def log_in(self) -> Mapping[str, Any]:
        """The scenario's user, as /auth/me shows them."""
        credentials = {"username": self._targets.user, "password": self._targets.password}
        answer = await self._ask(self._hub, "POST", f"{API}/auth/login", json=credentials)
        self._hub.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        me: Mapping[str, Any] = (await self._ask(self._hub, "GET", f"{API}/auth/me")).json()
        return me

    async def call(self, method: str, path: str, json: Mapping[str, Any] | None) -> httpx.Response:
        """The hub's answer, whatever its status."""
        return await self._ask(self._hub, method, path, json=json, refuse_errors=False)

    async def find(self, subject: Subject, where: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The things of this kind that match, newest first. `device` in `where` is an equipment code."""
        match subject:
            case Subject.ALARM:
                found = await self._alarms(where.get("device"))
            case Subject.ORDER:
                found = await self._orders(where.get("device"))
            case Subject.MESSAGE:
                found = await self._messages(where)
            case Subject.DEVICE:
                found = [await self._equipment_row(str(where["device"]))]
        rest = {key: value for key, value in where.items() if key != "device"}
        return [thing for thing in found if matches(thing, rest)]

    async def unsettled_alarms(self, device: str) -> list[Mapping[str, Any]]:
        query = {"equipment": await self._equipment_id(device), "active": True, "limit": 100}
        return await self._items(f"{API}/alarms", query)

    async def open_orders(self, device: str) -> list[Mapping[str, Any]]:
        query = {"equipment": await self._equipment_id(device), "open": True, "limit": 100}
        return await self._items(f"{API}/work-orders", query)

    async def acknowledge(self, alarm_id: str, note: str) -> None:
        await self._ask(self._hub, "POST", f"{API}/alarms/{alarm_id}/acknowledge", json={"note": note})

    async def end_order(self, order: Mapping[str, Any], reason: str) -> None:
        action = "close" if order["state"] == "done" else "cancel"
        body = {"action": action, "reason": reason}
        await self._ask(self._hub, "POST", f"{API}/work-orders/{order['id']}/actions", json=body)

    async def _alarms(self, device: str | None) -> list[Mapping[str, Any]]:
        query: dict[str, Any] = {"since": self._since.isoformat(), "limit": 200}
        if device is not None:
            query["equipment"] = await self._equipment_id(device)
        return await self._items(f"{API}/alarms", query)

    async def _orders(self, device: str | None) -> list[Mapping[str, Any]]:
        """With their tasks, reports and timeline, which only the order itself shows."""
        query: dict[str, Any] = {"since": self._since.isoformat(), "limit": 50}
        if device is not None:
            query["equipment"] = await self._equipment_id(device)
        rows = await self._items(f"{API}/work-orders", query)
        return [(await self._ask(self._hub, "GET", f"{API}/work-orders/{row['id']}")).json() for row in rows]

    async def _equipment_id(self, code: str) -> str:
        if code not in self._equipment:
            self._equipment[code] = str((await self._equipment_row(code))["id"])
        return self._equipment[code]

    async def _equipment_row(self, code: str) -> Mapping[str, Any]:
        for row in await self._items(f"{API}/equipment", {"q": code, "limit": 50}):
            if row["code"] == code:
                return row
        raise ScenarioCannotGoOn(f"{self._targets.hub}: no equipment {code}")

    async def _items(self, path: str, query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        items: list[Mapping[str, Any]] = (await self._ask(self._hub, "GET", path, params=query)).json()["items"]
        return items

    # --- simulator and platform ---------------------------------------------------------------------------------

    async def start_fault(self, step: StartFault) -> str:
        body = {"name": step.fault, "device": step.device, "for": step.duration, "with": dict(step.parameters)}
        return str((await self._ask(self._simulator, "POST", "/faults", json=body)).json()["fault_id"])

    async def end_faults(self, device: str) -> None:
        await self._ask(self._simulator, "DELETE", "/faults", params={"device": device})

    async def chat(self, openid: str, content: Mapping[str, str]) -> Mapping[str, Any]:
        body = {"from": openid, **content}
        answer = await self._ask(self._platform, "POST", "/wechat/send", json=body, timeout=RETRIES_OF_WECHAT_S)
        said: Mapping[str, Any] = answer.json()
        return said

    async def _messages(self, where: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        query = {key: where[key] for key in ("channel", "to") if key in where}
        query |= {"since": self._since.isoformat(), "limit": 500}
        found: list[Mapping[str, Any]] = (await self._ask(self._platform, "GET", "/messages", params=query)).json()[
            "items"
        ]
        return found

    async def _ask(
        self, client: httpx.AsyncClient, method: str, path: str, *, refuse_errors: bool = True, **request: Any
    ) -> httpx.Response:
        try:
            response = await client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ScenarioCannotGoOn(f"{client.base_url}: {type(error).__name__}") from None
        if refuse_errors and response.is_error:
            raise ScenarioCannotGoOn(f"{method} {client.base_url}{path}: {response.status_code} {response.text[:300]}")
        return response
