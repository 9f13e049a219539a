"""An OpenID provider's keys: found through its discovery document, kept fresh, used on while it is down."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import jwt

from schemas.token_keys import KeysUnavailable, VerificationKey, algorithms_of, is_safe_url, safe_public_key

FRESH_SECONDS = 300
"""The age at which keys are read again. While the provider answers, a withdrawn key verifies tokens for at most this
and `PAUSE_SECONDS`."""
PAUSE_SECONDS = 10
"""The least time between two reads, whatever key ids tokens name."""
ANSWER_SECONDS = 5
MAX_DOCUMENT_BYTES = 1 << 20
_MAX_ISSUER_CHARACTERS = 200

_NOT_READ = "the identity provider's keys cannot be read"

Warn = Callable[..., object]
"""Writes a warning: an event's name, and its values by keyword. None is personal data."""

_Keys = Mapping[str | None, VerificationKey]
"""By key id. A key without one is there only if it is the only key."""


class IssuerKeys:
    """`KeySource` over *discovery_url*, whose document must name *issuer*.

    From the first use until `close` the keys are kept fresh in the background, so a token of a known key never waits
    for the provider. An unknown key id causes a read, which all its callers share, at most once in `PAUSE_SECONDS`:
    invented ids cost the provider nothing. A failed read leaves the keys as they were.
    """

    def __init__(
        self, discovery_url: str, issuer: str, *, warn: Warn, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._discovery_url = discovery_url
        self._issuer = issuer
        self._warn = warn
        self._clock = clock
        self._keys: _Keys | None = None
        self._fault = _NOT_READ
        self._read_at = self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def key_for(self, key_id: str | None) -> VerificationKey | None:
        is_known = self._keys is not None and _chosen(self._keys, key_id) is not None
        return _chosen(await self._some_keys(is_enough=is_known), key_id)

    async def require(self) -> None:
        await self._some_keys(is_enough=self._keys is not None)

    async def _some_keys(self, *, is_enough: bool) -> _Keys:
        """The keys, read anew unless those here are enough, or the last attempt was a moment ago."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep_fresh())
        if not is_enough and (self._is_reading() or self._may_read()):
            await self._read()
        if self._keys is None:
            raise KeysUnavailable(self._fault)
        return self._keys

    async def close(self) -> None:
        tasks = [task for task in (self._keeper, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            if self._clock() - self._read_at >= FRESH_SECONDS and self._may_read():
                await self._read()

    def _may_read(self) -> bool:
        return self._clock() - self._tried_at >= PAUSE_SECONDS

    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _read(self) -> None:
        if self._reading is None or self._reading.done():
            self._tried_at = self._clock()
            self._reading = asyncio.create_task(self._refresh())
        # A caller that goes away must not take the others' read along.
        await asyncio.shield(self._reading)

    async def _refresh(self) -> None:
        try:
            keys = await self._fetched()
        except Exception as error:  # noqa: BLE001 - what a provider's answer can raise is no closed list
            # The background task must go on.
            self._warn("keys_not_read", error=type(error).__name__, kept=self._keys is not None)
            return
        self._keys, self._read_at = keys, self._clock()

    async def _fetched(self) -> _Keys:
        self._fault = _NOT_READ
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            configuration = await _document(session, self._discovery_url)
            if configuration["issuer"] != self._issuer:
                # The usual cause is a slash at the end, and only both texts show it.
                found_issuer = str(configuration["issuer"])[:_MAX_ISSUER_CHARACTERS]
                self._warn("issuer_differs", setting=self._issuer, document=found_issuer)
                self._fault = f"the issuer is set to {self._issuer}, and the provider calls itself {found_issuer}"
                raise ValueError("the discovery document is another issuer's")
            keys = await _document(session, configuration["jwks_uri"])
        found = dict(_verification_keys(keys["keys"]))
        if not found:
            raise ValueError("no key is usable")
        return found


async def _document(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    if not is_safe_url(url):
        raise ValueError("not https")
    async with session.get(url, allow_redirects=False) as answer:
        answer.raise_for_status()
        content = await answer.content.read(MAX_DOCUMENT_BYTES + 1)
        # `read` may return less than is there, but never after the end.
        while len(content) <= MAX_DOCUMENT_BYTES and (more := await answer.content.read(MAX_DOCUMENT_BYTES)):
            content += more
    if answer.status != HTTPStatus.OK or len(content) > MAX_DOCUMENT_BYTES:
        raise ValueError("no document")
    document = json.loads(content)
    if not isinstance(document, dict):
        raise TypeError("no object")
    return document


def _chosen(keys: _Keys, key_id: str | None) -> VerificationKey | None:
    """The key for a token that names *key_id*: where one of the two names none, the only key that there is."""
    if key_id is not None and key_id in keys:
        return keys[key_id]
    if len(keys) == 1 and (key_id is None or None in keys):
        return next(iter(keys.values()))
    return None


def _verification_keys(keys: list[dict[str, Any]]) -> list[tuple[str | None, VerificationKey]]:
    """The keys that may verify tokens here. Others are skipped; one without an id is, unless it is the only one."""
    usable = list(_usable_keys(keys))
    return usable if len(usable) == 1 else [(key_id, key) for key_id, key in usable if key_id is not None]


def _usable_keys(keys: list[dict[str, Any]]) -> Iterator[tuple[str | None, VerificationKey]]:
    for document in keys:
        key_id = document.get("kid")
        if not isinstance(key_id, str | None) or document.get("use", "sig") != "sig":
            continue
        try:
            key = safe_public_key(jwt.PyJWK(document).key)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        algorithms = algorithms_of(key)
        algorithm = document.get("alg", algorithms[0])
        if algorithm in algorithms:
            yield key_id, VerificationKey(key, algorithm)
