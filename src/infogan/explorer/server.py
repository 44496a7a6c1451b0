"""The explorer's page and its requests over HTTP, for the browser of this machine."""

import socket
from collections.abc import Callable
from importlib import resources
from ipaddress import ip_address
from typing import Any

from infogan.errors import InfoganError, MissingExtraError
from infogan.explorer.explorer import Explorer

PORT = 8420  # where it is free and no other was asked for
FILES = {"/": "page.html"} | {
    f"/{name}": name for name in ("page.css", "page.js", "controls.js", "state.js", "ask.js")
}
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
# all that the page is made of comes from here
POLICY = "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'"


def serve(explorer: Explorer, host: str, port: int | None, ready: Callable[[str], object]) -> None:
    """Answer a browser until Ctrl-C.

    Args:
        explorer: Answers.
        host: The address to listen at; 127.0.0.1 is seen by this machine alone.
        port: 0: any that is free; None: `PORT`, or any where it is taken.
        ready: Is told the page's address as soon as it is there.

    Raises:
        InfoganError: that address or port cannot be had.
    """
    try:
        import uvicorn
    except ImportError:
        raise MissingExtraError("uvicorn", "explore") from None
    application = app(explorer, host)
    with _bound(host, port) as listening:
        config = uvicorn.Config(application, log_level="warning", lifespan="off", access_log=False)
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listening.getsockname()[1]}/")
        uvicorn.Server(config).run(sockets=[listening])


def app(explorer: Explorer, host: str = "127.0.0.1") -> Any:
    """The page and its requests as an ASGI application.

    Requests are JSON, and of a server that this machine alone sees they must name it as a browser
    here does: so no page of another site can ask, or set a name.
    """
    try:
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.middleware.trustedhost import TrustedHostMiddleware
        from starlette.requests import Request
        from starlette.responses import JSONResponse, Response
        from starlette.routing import Route
    except ImportError:
        raise MissingExtraError("starlette", "explore") from None

    async def file(request: Request) -> Response:
        name = FILES[request.url.path]
        content = resources.files("infogan.explorer").joinpath(name).read_bytes()
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return Response(content, media_type=KINDS[name.rpartition(".")[2]], headers=headers)

    async def ask(request: Request) -> Response:
        if request.headers.get("content-type") != "application/json":
            return JSONResponse({"error": "a request is JSON"}, 415)
        try:
            asked = await request.json()
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            return JSONResponse({"error": "a request is a JSON object"}, 400)
        try:
            return JSONResponse(explorer.render(asked))
        except InfoganError as e:
            return JSONResponse({"error": " ".join(str(e).split())}, 400)

    routes = [Route(path, file) for path in FILES]
    names = ["127.0.0.1", "localhost", "[::1]", host] if _here_alone(host) else ["*"]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=names)
    return Starlette(routes=[*routes, Route("/ask", ask, methods=["POST"])], middleware=[trusted])


def _here_alone(host: str) -> bool:
    """Whether an address is seen by this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int | None) -> socket.socket:
    """A socket that listens there."""
    wanted = PORT if port is None else port
    found = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen()  # a browser that comes before the server waits
    except (OSError, UnicodeError) as e:
        if found:
            found.close()
            if port is None:  # there is such an address, and the usual port is taken
                return _bound(host, 0)
        raise InfoganError(
            f"cannot listen at {host}, port {wanted}: {getattr(e, 'strerror', None) or e}; choose "
            "another"
        ) from None
    return found
