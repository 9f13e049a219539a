"""Which content codings a client takes."""


def accepted_codings(accept_encoding: str) -> list[str]:
    """Those of Brotli and gzip that the header *accept_encoding* names and does not exclude, the shorter form first."""
    asked = {part.partition(";")[0].strip() for part in accept_encoding.split(",") if "q=0" not in part.split(";")[1:]}
    return [coding for coding in ("br", "gzip") if coding in asked]
