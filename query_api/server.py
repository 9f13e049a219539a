"""How the application is served: one process of uvicorn."""

import uvicorn
from starlette.types import ASGIApp


def run(app: ASGIApp | str, *, host: str, port: int) -> None:
    """Serve *app* until the process is told to end."""
    uvicorn.run(app, host=host, port=port, access_log=False, server_header=False)
