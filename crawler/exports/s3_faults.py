"""Faults on the way to S3: where boto3 hands a request to the connection, so that it sees what a broken one looks like.

It then asks again, as it always does, and a conditional put may so find its own object. Nothing of this is used unless
`crawler.faults` is on.
"""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ConnectionClosedError

from crawler import faults
from crawler.exports.keys import kind_of
from crawler.exports.put_faults import halfway, put_point

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from types_boto3_s3 import S3Client

    from crawler.exports.put_faults import Moment


class FaultySession:
    """Stands before the HTTP session of a client of boto3."""

    def __init__(self, session: Any, path: str) -> None:
        self._session = session
        self._path = path

    @classmethod
    def take_over(cls, client: S3Client, *, path: str) -> None:
        """From now on, requests of the client come here; `path` is what those of our objects begin with."""
        endpoint: Any = client._endpoint  # type: ignore[attr-defined]  # noqa: SLF001 - no event is where an answer can be lost
        endpoint.http_session = cls(endpoint.http_session, path)

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """As the session's."""
        url = urlsplit(request.url)
        moments = _moments(request.method, parse_qs(url.query, keep_blank_values=True))
        key = unquote(url.path).removeprefix(self._path)
        if not moments or kind_of(key) is None:
            return self._sent(request)
        try:
            if "call" in moments:
                faults.at(put_point(key, "call"))
            if "half" in moments:
                body: Any = request.body
                whole = io.BytesIO(body) if isinstance(body, bytes | bytearray) else body
                request.body = halfway(whole, put_point(key, "half"))
            response = self._sent(request)
            if "reply" in moments and response.status_code < HTTPStatus.MULTIPLE_CHOICES:
                faults.at(put_point(key, "reply"))
        except ConnectionResetError as error:
            raise ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
        return response

    def _sent(self, request: AWSPreparedRequest) -> AWSResponse:
        response: AWSResponse = self._session.send(request)
        return response

    def close(self) -> None:
        """As the session's."""
        self._session.close()


def _moments(method: str, query: dict[str, list[str]]) -> tuple[Moment, ...]:
    """The moments of an object's way that are in one request."""
    if method == "PUT":
        return ("half",) if "uploadId" in query else ("call", "half", "reply")
    if method == "POST" and "uploads" in query:
        return ("call",)
    return ("reply",) if method == "POST" and "uploadId" in query else ()
