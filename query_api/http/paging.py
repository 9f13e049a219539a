"""The way from a page to the next."""

from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response


def link_to_next(request: Request, answer: Response, cursor: str | None) -> Response:
    """*answer*, with a `Link` to the page of *cursor* where there is one.

    The reference is relative: a forged Host header, or a proxy that strips a prefix, cannot mislead the client.
    """
    if cursor is not None:
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        answer.headers["Link"] = f'<?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
    return answer
