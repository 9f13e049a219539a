"""The trace of whoever publishes, as the W3C's header `traceparent`; none without the extra `traces`."""

try:
    from opentelemetry.trace import get_current_span
except ModuleNotFoundError:
    get_current_span = None  # type: ignore[assignment] # nobody traces


def trace_headers() -> list[tuple[str, bytes]] | None:
    """The header of the span that is current here; `None` where none is.

    https://www.w3.org/TR/trace-context/#traceparent-header
    """
    if get_current_span is None:
        return None
    span = get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return [("traceparent", f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}".encode())]
