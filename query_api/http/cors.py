"""Which pages of other origins may read answers. A refusal is a problem document, as every other error is."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from query_api.http.problems import PREFLIGHT_REFUSED, problem_response

_REFUSAL = "Disallowed CORS "
"""How Starlette's own refusal begins; what follows names the parts of the request that are at fault, by kind."""


class ProblemCORSMiddleware(CORSMiddleware):
    """Starlette's, which refuses in plain text, inside `RequestMiddleware`, which gives the request its id."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass the request on."""
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "Origin" in headers and "Access-Control-Request-Method" in headers:
                answer = self.preflight_response(headers)
                if answer.status_code >= 400:  # noqa: PLR2004 - where HTTP's errors begin
                    parts = bytes(answer.body).decode().removeprefix(_REFUSAL)
                    answer = problem_response(
                        PREFLIGHT_REFUSED,
                        scope["state"]["request_id"],
                        detail=f"Not allowed: {parts}. {PREFLIGHT_REFUSED.detail}",
                        headers={"Vary": answer.headers["Vary"]},
                    )
                await answer(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
