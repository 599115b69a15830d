"""What surrounds every request: its id and safe headers; and the built front end at `/`."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.http import new_request_id, request_id

REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID_LENGTH = 40

# 'unsafe-inline' for styles only: Element Plus and ECharts position things by style attributes.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


class RequestEnvelope:
    """Gives each request an id (kept in logs, shown in errors) and each response the safe headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        scope["request_id"] = given if given.isalnum() and len(given) <= REQUEST_ID_LENGTH else new_request_id()
        token = request_id.set(scope["request_id"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id.get()
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            request_id.reset(token)


def mount_front_end(app: FastAPI, dist: Path) -> None:
    """Serves the built desk; any other path that is not the API's opens the desk's own router."""
    if not (dist / "index.html").is_file():

        @app.get("/", include_in_schema=False)
        async def not_built() -> HTMLResponse:
            return HTMLResponse("<p>网页端还没有构建，请运行 <code>make web</code>。 "
                                "The front end is not built: run <code>make web</code>.</p>")  # fmt: skip

        return
    app.mount("/assets", StaticFiles(directory=dist / "assets"), name="assets")

    @app.get("/{path:path}", include_in_schema=False)
    async def front_end(path: str) -> Response:
        wanted = (dist / path).resolve()
        if path and wanted.is_relative_to(dist.resolve()) and wanted.is_file():
            return FileResponse(wanted)
        if path.startswith(("api/", "wechat/", "docs", "metrics")):
            from starlette.exceptions import HTTPException

            raise HTTPException(404)
        return FileResponse(dist / "index.html", headers={"Cache-Control": "no-cache"})
