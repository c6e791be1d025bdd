"""Requests to the control API: the key, what is tried again, and how an answer becomes a value or an error.

Only what is safe to repeat is sent twice: reads, steps that may be repeated by the API's own rules, submits with their
idempotency key, and anything that has not left this machine. The key is in the headers and nowhere else: no message,
no `repr`, no log.
"""

from __future__ import annotations

import random
import re
import ssl
import time
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
import msgspec

from crawler.errors import ApiError, ApiUnreachable, ConfigError, FieldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_T = TypeVar("_T")

#: Pauses between tries, in seconds: doubled from the first to the longest, with some chance in them.
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0

#: Answers after which the same request may do better: too many, or nobody behind the proxy, or not now.
PASSING: Final = frozenset({429, 502, 503})

#: What can be sent in a header; anything else would be shown by the error that refuses it.
_KEY: Final = re.compile(r"[!-~]+")

#: Never behind a proxy, whatever the environment says of proxies.
_LOOPBACK: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")


#: The same order has the same bytes, whoever has put it together: the API compares those that come with one key.
_ENCODER: Final = msgspec.json.Encoder(order="sorted", decimal_format="number")


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    code: str = ""
    detail: str | None = None
    title: str | None = None
    request_id: str | None = None
    errors: tuple[dict[str, Any], ...] | None = None
    state: str | None = None


def check_url(url: str) -> str:
    """The address of an API as it is used: without a slash at its end.

    Raises:
        ConfigError: it is none.
    """
    try:
        parts = httpx.URL(url.strip())
    except (httpx.InvalidURL, TypeError) as error:
        raise ConfigError("the address of the API cannot be read; it is https://HOST, or http://HOST:PORT") from error
    if parts.userinfo:
        raise ConfigError("the address of the API has a user or a password in it; the key is told apart from it")
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment:
        raise ConfigError(f"{url!r} is no address of an API: https://HOST, or http://HOST:PORT")
    return str(parts).rstrip("/")


def check_key(key: str) -> str:
    """The key, if it can be sent.

    Raises:
        ConfigError: it is empty, or has characters that no key has. Does not show it.
    """
    if _KEY.fullmatch(key) is None:
        raise ConfigError("the key of the API is empty, or has characters that no key has (a space, a line break)")
    return key


def loopback_apart() -> dict[str, httpx.BaseTransport | None]:
    """For `mounts` of httpx: this machine is not asked by way of a proxy."""
    return dict.fromkeys(_LOOPBACK)


def is_loopback(url: str) -> bool:
    """Whether an address is one of this machine that no other can reach."""
    host = httpx.URL(url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name; 127.example.com is one, too
        return host == "localhost"


class Connection:
    """One API and one key.

    Args:
        url: of the API, without `/v1`.
        key: sent with each request.
        timeout_s: for each step of a request: connecting, each read, each write.
        patience_s: so long is tried again what may be; at least one try.
        on_wait: told in one sentence before a pause; seconds of the pause.
        pause: sleeps.

    Raises:
        ConfigError: the address or the key cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float,
        patience_s: float,
        on_wait: Callable[[str, float], None] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = check_url(url)
        self.patience_s = patience_s
        self._on_wait = on_wait
        self._pause = pause
        self._http = httpx.Client(
            headers={
                "Authorization": f"Bearer {check_key(key)}",
                "Accept": "application/json, application/problem+json",
                "User-Agent": f"crawlery-client/{version('crawlery')}",
            },
            timeout=timeout_s,
            mounts=loopback_apart(),
        )

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    def ask(
        self,
        wanted: type[_T],
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool | None = None,
    ) -> tuple[_T, httpx.Headers]:
        """What the API answers, and its headers.

        Args:
            wanted: type of the answer.
            method: of HTTP.
            path: from `/v1` on, with its parts quoted.
            params: of the query; None is left out, a sequence is repeated.
            body: becomes JSON.
            files: become parts of a form, in place of a body: name of the file and its bytes, by name of the part.
            headers: beside those of the connection.
            is_repeatable: may be sent again after a failure; by default a GET may.

        Raises:
            ApiError: it refuses, or answers what is no answer of it.
            ApiUnreachable: it does not answer.
        """
        given = {name: value for name, value in (params or {}).items() if value is not None}
        request = self._http.build_request(
            method,
            f"{self.url}{path}",
            params=given,
            content=None if body is None else _ENCODER.encode(body),
            files=files,
            headers={**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})},
        )
        asked = f"{method} {self.url}{path}"
        response = self._tried(
            request, asked, is_repeatable=method == "GET" if is_repeatable is None else is_repeatable
        )
        if not response.is_success:
            raise _refusal(response, asked)
        try:
            return msgspec.json.decode(response.content, type=wanted), response.headers
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ApiError(
                asked,
                status=response.status_code,
                code="unreadable",
                detail=f"the answer is not what the control API says here ({error}); is this its address?",
                request_id=response.headers.get("x-request-id", ""),
            ) from error

    @contextmanager
    def opened(self, path: str, *, headers: Mapping[str, str]) -> Iterator[tuple[int, Iterator[str]]]:
        """A GET whose answer is read while it is written: its status, and its lines. One try.

        Raises:
            ApiError: it is refused.
            ApiUnreachable: there is no answer, or the connection breaks while it is read.
        """
        asked = f"GET {self.url}{path}"
        try:
            with self._http.stream("GET", f"{self.url}{path}", headers=headers) as response:
                if not response.is_success:
                    response.read()
                    raise _refusal(response, asked)
                yield response.status_code, response.iter_lines()
        except httpx.RequestError as error:
            raise ApiUnreachable(f"{asked}: no answer: {_words(error)}") from error

    def _tried(self, request: httpx.Request, asked: str, *, is_repeatable: bool) -> httpx.Response:
        """The first answer that is not to be tried again, or the last one that patience allows."""
        began, pause_s = time.monotonic(), _FIRST_PAUSE_S
        while True:
            response, failure, at_least_s = None, None, 0.0
            try:
                response = self._http.send(request)
            except httpx.RequestError as error:
                failure = error
                again = (is_repeatable or _was_not_sent(error)) and not _is_lasting(error)
                said = f"{self.url} does not answer ({_words(error)})"
            else:
                again = is_repeatable and response.status_code in PASSING
                at_least_s = _retry_after_s(response) or 0.0
                said = f"{self.url} answers {response.status_code}"
            wait_s = max(at_least_s, pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that clients do not march in step
            waited_s = time.monotonic() - began
            if not again or waited_s + wait_s > self.patience_s:
                if response is not None:
                    return response
                tried = f", tried for {waited_s:.0f} s" if waited_s >= 1 else ""
                raise ApiUnreachable(f"{asked}: no answer{tried}: {_words(failure)}") from failure
            if self._on_wait is not None:
                self._on_wait(said, wait_s)
            self._pause(wait_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _refusal(response: httpx.Response, asked: str) -> ApiError:
    """The error that a response tells, or that it is."""
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = _Problem()
    detail = problem.detail or problem.title or response.reason_phrase or "no reason is given"
    if response.is_redirect:
        detail = f"it sends on to {response.headers.get('location', 'nowhere')}; use the address of the API itself"
    return ApiError(
        asked,
        status=response.status_code,
        code=problem.code or f"http_{response.status_code}",
        detail=detail,
        errors=[
            FieldError(str(error.get("pointer", "")), str(error.get("message", ""))) for error in problem.errors or ()
        ],
        request_id=problem.request_id or response.headers.get("x-request-id", ""),
        retry_after_s=_retry_after_s(response),
        state=problem.state or "",
    )


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds, whether they are told as such or as a date."""
    told = response.headers.get("retry-after", "").strip()
    if told.isdecimal() and told.isascii():
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except ValueError:
        return None


def _was_not_sent(error: httpx.RequestError) -> bool:
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def _is_lasting(error: BaseException | None) -> bool:
    """Whether time will not heal it: a certificate that is not trusted."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _words(error: httpx.RequestError | None) -> str:
    """What has happened, in words; httpx says nothing at all of some timeouts."""
    return str(error) or type(error).__name__
