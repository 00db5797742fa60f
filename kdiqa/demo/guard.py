"""Keeps the page to itself: other sites in the same browser neither read it nor post to it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
NAMES = ("127.0.0.1", "localhost")
READING = ("GET", "HEAD")
HERE = (b"same-origin", b"none")  # what a browser says of requests that no other site has made


class OwnPageOnly:
    """Answers requests to the page's own names, and posts of the page itself.

    A site may have its own name lead to this machine, and read what is served under it; or send a
    form to the page's address. Programs that are no browser say of themselves where they come from.

    Args:
        app: Answers what is let through.
        port: Of the page.
    """

    def __init__(self, app: Application, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}".encode() for name in NAMES}
        self.origins = {b"http://" + host for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "lifespan" and (message := self.refusal(scope)):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            head = [(b"content-type", b"text/plain; charset=utf-8")]
            await send({"type": "http.response.start", "status": 403, "headers": head})
            await send({"type": "http.response.body", "body": f"{message}\n".encode()})
            return
        await self.app(scope, receive, send)

    def refusal(self, scope: Scope) -> str | None:
        """Returns why a request is refused; None where it is not."""
        names, values = [name.lower() for name, _ in scope["headers"]], dict(scope["headers"])
        values = {name.lower(): value for name, value in values.items()}
        if names.count(b"host") != 1 or values[b"host"].lower() not in self.hosts:
            return "This page is served under its own names alone."
        if scope["type"] == "http" and scope["method"] in READING:
            return None
        origin, site = values.get(b"origin"), values.get(b"sec-fetch-site")
        if (origin is not None and origin not in self.origins) or (site and site not in HERE):
            return "This page takes nothing from other sites."
        return None
