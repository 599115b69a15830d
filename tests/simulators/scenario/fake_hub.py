"""A hub in a few lines: it sees the simulator's faults by asking, and has one alarm and one order a fault.

Only what a scenario needs, with the real paths and shapes; what the real hub does is the stories' business.
"""

import threading
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response

from kit.supervision.ports import free_port

MODES = {"passenger-trapped": "passenger_trapped", "smoke": "smoke_detected"}


class FakeHub:
    """`delay_s`: how long after a fault its alarm is there."""

    def __init__(self, simulator: str, *, delay_s: float = 0.2, orders_per_fault: int = 1) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.orders: dict[str, dict[str, Any]] = {}
        self.acknowledged: set[str] = set()
        self.received: list[tuple[str, Any]] = []
        self._simulator = simulator
        self._delay_s = delay_s
        self._orders_per_fault = orders_per_fault
        self._seen: dict[str, dict[str, Any]] = {}
        self._server = uvicorn.Server(
            uvicorn.Config(self._app(), host="127.0.0.1", port=int(self.url.rsplit(":", 1)[1]), log_level="error")
        )
        self._thread = threading.Thread(target=self._server.run, name="fake hub")

    def __enter__(self) -> "FakeHub":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def _look(self) -> None:
        faults = {fault["fault_id"]: fault for fault in httpx.get(f"{self._simulator}/faults", trust_env=False).json()}
        now = datetime.now(UTC)
        for fault_id, fault in faults.items():
            age_s = (now - datetime.fromisoformat(fault["started_at"])).total_seconds()
            if age_s >= self._delay_s and fault_id not in self._seen:
                self._seen[fault_id] = fault
                self._open_orders(fault, now)
        for fault_id, fault in self._seen.items():
            fault["is_present"] = fault_id in faults

    def _open_orders(self, fault: dict[str, Any], now: datetime) -> None:
        for _ in range(self._orders_per_fault):
            order_id = f"order-{len(self.orders)}"
            self.orders[order_id] = {
                "id": order_id, "number": f"WO-{len(self.orders)}", "equipment": fault["device"], "state": "dispatched",
                "kind": "repair", "priority": 2, "opened_at": now.isoformat(),
                "tasks": [{"id": "t1", "kind": "intercom", "state": "open"}],
            }  # fmt: skip

    def _alarms(self, equipment: str) -> list[dict[str, Any]]:
        self._look()
        return [
            {
                "id": fault_id, "equipment_code": equipment, "fault_mode": MODES.get(fault["name"], fault["name"]),
                "state": self._alarm_state(fault_id, present=fault["is_present"]), "onset_at": fault["started_at"],
            }
            for fault_id, fault in self._seen.items()
            if fault["device"] == equipment
        ]  # fmt: skip

    def _alarm_state(self, fault_id: str, *, present: bool) -> str:
        if fault_id in self.acknowledged:
            return "ACKED" if present else "NORMAL"
        return "UNACKED" if present else "RTN_UNACKED"

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def authorized(request: Request, call_next: Any) -> Response:
            is_open = not request.url.path.startswith("/api/v1") or request.url.path.endswith("/login")
            if not is_open and request.headers.get("authorization") != "Bearer good":
                return Response("who are you?", status_code=401)
            answer: Response = await call_next(request)
            return answer

        @app.post("/api/v1/auth/login")
        def log_in(body: dict[str, str]) -> dict[str, str]:
            if body["password"] != "right":
                raise HTTPException(401, "wrong password")
            return {"access_token": "good"}

        @app.get("/api/v1/auth/me")
        def me() -> dict[str, str]:
            return {"person_id": "person-1", "name": "陈立"}

        @app.get("/api/v1/equipment")
        def equipment(q: str) -> dict[str, Any]:
            return {"items": [{"id": q, "code": q, "link_up": True}, {"id": "x", "code": q + "0"}]}

        @app.get("/api/v1/alarms")
        def alarms(equipment: str = "", active: bool = False) -> dict[str, Any]:
            found = self._alarms(equipment)
            return {"items": [a for a in found if not active or a["state"] != "NORMAL"]}

        @app.post("/api/v1/alarms/{alarm_id}/acknowledge")
        def acknowledge(alarm_id: str) -> dict[str, str]:
            self.acknowledged.add(alarm_id)
            return {"id": alarm_id}

        @app.get("/api/v1/work-orders")
        def orders(equipment: str = "", open: bool = False) -> dict[str, Any]:
            self._look()
            found = [order for order in self.orders.values() if order["equipment"] == equipment]
            return {"items": [order for order in found if not open or order["state"] != "cancelled"]}

        @app.get("/api/v1/work-orders/{order_id}")
        def order(order_id: str) -> dict[str, Any]:
            return self.orders[order_id]

        @app.post("/api/v1/work-orders/{order_id}/actions")
        def act(order_id: str, body: dict[str, Any]) -> dict[str, Any]:
            self.received.append((order_id, body))
            self.orders[order_id]["state"] = {"cancel": "cancelled", "finish": "done"}[body["action"]]
            return self.orders[order_id]

        @app.post("/api/v1/work-orders/{order_id}/tasks/{task_id}/actions")
        def act_on_task(order_id: str, task_id: str, body: dict[str, Any]) -> dict[str, Any]:
            self.received.append((f"{order_id}/{task_id}", body))
            return self.orders[order_id]

        @app.post("/wechat/callback")
        async def callback(request: Request) -> Response:
            text = (await request.body()).decode()
            number = next(reversed(self.orders.values()), {"number": "-"})["number"]
            reply = f"<xml><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[已收到 {number}]]></Content></xml>"
            return Response(reply if "电梯" in text else "success")

        return app
