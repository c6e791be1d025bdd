"""Objects in S3, Amazon's or any other: the `ObjectStore` of a deployment.

Every put asks for encryption at rest. Requests are signed with SigV4, said explicitly because some S3 servers are still
asked with older ones by default. Credentials come from where all AWS tools look (environment, profile, role). Times
are short and retries few: the callers come again by themselves, and know better for how long.

Knows keys and bytes only. What a failure means for a job is its caller's business; here it is only told apart whether
time may heal it.
"""

from __future__ import annotations

import contextlib
import io
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import urlsplit

import boto3.session
from botocore.config import Config as BotoConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
)

from crawler import faults
from crawler.errors import ConfigError, NoSuchObject, ObjectStoreError
from crawler.exports.objects import ObjectInfo
from crawler.exports.s3_faults import FaultySession

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from _typeshed import WriteableBuffer
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

#: A server that does not answer within these many seconds is taken for one that is away.
CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0

#: Ditto, where somebody waits who can come again; then boto3 asks twice in all.
IMPATIENT_TIMEOUT_S: Final = 3.0
_IMPATIENT_ATTEMPTS: Final = 2

#: How often boto3 asks in all; after a lost answer, a conditional put may so find its own object.
MAX_ATTEMPTS: Final = 3

#: So much is read from the connection at once.
_READ_BYTES: Final = 256 * 1024

#: Larger files travel in parts, of which one at a time is in memory.
PART_BYTES: Final = 16 * 1024 * 1024

#: S3 takes no larger object in one put.
_MAX_WHOLE_BYTES: Final = 5 * 1024**3

#: S3 takes no more parts of one object; a few are kept back because sizes are rounded.
_MAX_PARTS: Final = 9_900

#: Most keys that one call removes.
_KEYS_AT_ONCE: Final = 1_000

#: What `check` writes, reads and removes.
_CHECK_KEY: Final = ".crawlery-check"

#: Answers that time may heal although their status says that we are at fault.
_PASSING_CODES: Final = frozenset(
    {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded"}
)
_PASSING_STATUSES: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

#: Failures without an answer that time may heal: nobody there, nobody in time, or cut off.
_PASSING_FAILURES: Final = (
    ConnectTimeoutError,
    ConnectionClosedError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
)

#: What to do, by the code of an answer.
_ADVICE: Final = {
    "NoSuchBucket": "make the bucket, or correct STORAGE_URL",
    "AccessDenied": "the keys or the bucket's policy do not allow it",
    "InvalidAccessKeyId": "correct AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "correct AWS_SECRET_ACCESS_KEY, S3_REGION and the clock",
    "RequestTimeTooSkewed": "set the clock of this machine, or that of the storage: they are too far apart",
    "PermanentRedirect": "correct S3_REGION: the bucket is in another region",
}


class S3ObjectStore:
    """All objects of a bucket whose keys begin with a prefix. Calls may come from several threads."""

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str = "",
        endpoint_url: str = "",
        public_endpoint_url: str = "",
        region: str = "us-east-1",
        sse: str = "AES256",
        credentials: tuple[str, str, str | None] | None = None,
        impatient: bool = False,
    ) -> None:
        """Makes no connection yet.

        Args:
            bucket: its name.
            prefix: what all keys begin with in the bucket; callers do not see it.
            endpoint_url: of an S3 that is not Amazon's; "" = Amazon's.
            public_endpoint_url: the same as those see it who are given links; "" = `endpoint_url`.
            region: of the bucket.
            sse: encryption asked for with each put: AES256, aws:kms, or "" for none.
            credentials: access key, secret key and session token; None = as all AWS tools find them.
            impatient: for calls that somebody waits for: a server that hangs is given up after seconds.

        Raises:
            ConfigError: an endpoint is no URL.
        """
        faults.read_once()
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._sse = sse
        self._parts_denied = False
        self._client = _client(endpoint_url, region, credentials, impatient=impatient)
        if faults.is_on():
            path = f"/{bucket}/{self._prefix}" if endpoint_url else f"/{self._prefix}"
            FaultySession.take_over(self._client, path=path)
        self._public = _client(public_endpoint_url, region, credentials) if public_endpoint_url else self._client

    def put(self, key: str, body: bytes | BinaryIO, *, content_type: str, only_new: bool = False) -> bool:
        """See `ObjectStore.put`. Somebody else who is just writing it (409) counts as if it were there (412)."""
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if only_new else {}
        file = io.BytesIO(body) if isinstance(body, bytes) else body
        size = _size_from_start(file)
        try:
            with self._mapped("put", key):
                if (
                    size <= PART_BYTES
                    or self._parts_denied
                    or not self._put_in_parts(key, file, size, condition, content_type)
                ):
                    self._client.put_object(
                        Bucket=self._bucket,
                        Key=self._prefix + key,
                        Body=file,
                        **self._put_options(content_type),
                        **condition,
                    )
        except _NotNew:
            if not only_new:
                raise
            return False
        return True

    def get(self, key: str) -> bytes:
        """See `ObjectStore.get`."""
        with self.open(key) as file:
            return file.read()

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        """See `ObjectStore.open`. A connection that breaks while the bytes come raises `ObjectStoreError` too."""
        with self._mapped("get", key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
        with contextlib.closing(body):
            yield io.BufferedReader(_Body(body, self._named(key)), _READ_BYTES)

    def info(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.info`."""
        try:
            with self._mapped("look at", key):
                found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except NoSuchObject:
            return None
        return ObjectInfo(key=key, size_bytes=found["ContentLength"], modified_s=found["LastModified"].timestamp())

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`. Asks for a thousand at a time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        parts = iter(pages)
        while True:
            with self._mapped("list", prefix):
                part = next(parts, None)
            if part is None:
                return
            for found in part.get("Contents", ()):
                yield ObjectInfo(
                    key=found["Key"].removeprefix(self._prefix),
                    size_bytes=found["Size"],
                    modified_s=found["LastModified"].timestamp(),
                )

    def delete(self, keys: Collection[str]) -> None:
        """See `ObjectStore.delete`."""
        rest = list(keys)
        while rest:
            some, rest = rest[:_KEYS_AT_ONCE], rest[_KEYS_AT_ONCE:]
            with self._mapped("delete", some[0]):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": self._prefix + key} for key in some]}
                )
            for failed in answer.get("Errors", ()):
                code, message = failed.get("Code", ""), failed.get("Message", "")
                raise ObjectStoreError(
                    f"s3://{self._bucket}/{failed.get('Key', '')}: cannot delete it: {code} {message}",
                    passing=code in _PASSING_CODES or code in ("InternalError", "ServiceUnavailable"),
                )

    def link(self, key: str, *, file_name: str, expires_s: int) -> str:
        """See `ObjectStore.link`: a presigned GET for the public endpoint. Asks nobody: the object may be missing."""
        safe = "".join(
            character if (character.isascii() and character.isalnum()) or character in "._- " else "-"
            for character in file_name
        )
        with self._mapped("sign a link to", key):
            return self._public.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": self._prefix + key,
                    "ResponseContentDisposition": f'attachment; filename="{safe}"',
                },
                ExpiresIn=expires_s,
            )

    def check(self) -> None:
        """See `ObjectStore.check`: looks at the bucket, then writes, reads and removes a small object."""
        with self._mapped("find", ""):
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if _status(error) == HTTPStatus.NOT_FOUND:
                    advice = _ADVICE["NoSuchBucket"]
                    raise ObjectStoreError(f"{self._named('')}: there is no such bucket; {advice}") from error
                raise
        try:
            self.put(_CHECK_KEY, b"ok", content_type="text/plain")
        except ObjectStoreError as error:
            if (
                self._sse
                and isinstance(error.__cause__, ClientError)
                and _status(error.__cause__) >= HTTPStatus.INTERNAL_SERVER_ERROR
            ):
                raise ObjectStoreError(
                    f"{error}. It was asked to encrypt the object ({self._sse}), and perhaps it cannot: SeaweedFS needs"
                    " WEED_S3_SSE_KEK, 64 hexadecimal digits, in its environment; with S3_SSE= nothing is asked for",
                    passing=True,
                ) from error
            raise
        self.get(_CHECK_KEY)
        self.delete([_CHECK_KEY])

    def check_put(self, key: str) -> None:
        """Whether an object of that key could be put: puts a small one beside it, and removes it if that is allowed.

        Raises:
            ObjectStoreError: it could not.
        """
        probe = f"{key}{_CHECK_KEY}"
        self.put(probe, b"ok", content_type="text/plain")
        with contextlib.suppress(ObjectStoreError):
            self.delete([probe])

    def create_bucket(self) -> None:
        """Makes the bucket, private; one that is there already is left as it is. Never called on its own.

        Raises:
            ObjectStoreError: it cannot be made, or belongs to somebody else.
        """
        region = self._client.meta.region_name
        place: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        with self._mapped("create", ""):
            try:
                self._client.create_bucket(Bucket=self._bucket, **place)
            except ClientError as error:
                if _code(error) != "BucketAlreadyOwnedByYou":
                    raise

    def _put_options(self, content_type: str) -> dict[str, Any]:
        options: dict[str, Any] = {"ContentType": content_type}
        return options | {"ServerSideEncryption": self._sse} if self._sse else options

    def _put_in_parts(self, key: str, file: BinaryIO, size: int, condition: dict[str, Any], content_type: str) -> bool:
        """One part after the other, so that one is in memory; what has been sent is taken back if one fails.

        Returns:
            False if parts are not allowed, and the file is small enough to be put whole. SeaweedFS holds each part
            against a policy that demands encryption, which is asked for when parts are begun; they cannot ask again.
        """
        place: Any = {"Bucket": self._bucket, "Key": self._prefix + key}
        upload = self._client.create_multipart_upload(**place, **self._put_options(content_type))["UploadId"]
        part_bytes = max(PART_BYTES, -(-size // _MAX_PARTS))
        parts: list[CompletedPartTypeDef] = []
        try:
            while part := file.read(part_bytes):
                number = len(parts) + 1
                sent = self._client.upload_part(**place, UploadId=upload, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": sent["ETag"]})
            self._client.complete_multipart_upload(
                **place, UploadId=upload, MultipartUpload={"Parts": parts}, **condition
            )
        except Exception as error:
            # What fails here too is swept by the bucket's own rule for uploads that were never completed.
            with contextlib.suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**place, UploadId=upload)
            if size <= _MAX_WHOLE_BYTES and isinstance(error, ClientError) and _code(error) == "AccessDenied":
                self._parts_denied = True  # nor may they be taken back: begin no more of them
                file.seek(0)
                return False
            raise
        return True

    @contextlib.contextmanager
    def _mapped(self, action: str, key: str) -> Iterator[None]:
        """Turns what boto3 raises into our errors."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise _error(action, self._named(key), error) from error

    def _named(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{key}"


class _NotNew(ObjectStoreError):
    """A conditional put found an object."""


class _Body(io.RawIOBase):
    """The bytes of an answer as a raw file, whose errors are ours."""

    def __init__(self, body: StreamingBody, name: str) -> None:
        self._body = body
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        try:
            chunk = self._body.read(view.nbytes)
        except BotoCoreError as error:
            raise _error("read", self._name, error) from error
        view[: len(chunk)] = chunk
        return len(chunk)


def _client(
    endpoint_url: str, region: str, credentials: tuple[str, str, str | None] | None, *, impatient: bool = False
) -> S3Client:
    """A client of its own session: the default one is shared, and not safe between threads while it makes clients."""
    for name in ("boto3", "botocore"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:  # at DEBUG they log each request with its signature, on dozens of lines
            logger.setLevel(logging.INFO)
    access_key, secret_key, token = credentials or (None, None, None)
    config = BotoConfig(
        signature_version="s3v4",
        connect_timeout=IMPATIENT_TIMEOUT_S if impatient else CONNECT_TIMEOUT_S,
        read_timeout=IMPATIENT_TIMEOUT_S if impatient else READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": _IMPATIENT_ATTEMPTS if impatient else MAX_ATTEMPTS},
        s3={"addressing_style": "path" if endpoint_url else "auto"},
        # Checksums of boto3's own need a form of upload that not every S3 server knows; ours are in the manifest.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # A proxy of the environment cannot reach what is on this machine.
        proxies={} if urlsplit(endpoint_url).hostname in ("127.0.0.1", "localhost", "::1") else None,
    )
    try:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint_url or None,
            region_name=region or None,
            config=config,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"S3 cannot be used as it is configured: {error}") from error


def _error(action: str, name: str, error: BotoCoreError | ClientError) -> ObjectStoreError:
    """What a failure means; `error` says what was answered, if anything."""
    if not isinstance(error, ClientError):
        return ObjectStoreError(f"{name}: cannot {action} it: {error}", passing=isinstance(error, _PASSING_FAILURES))
    code, status = _code(error), _status(error)
    if status == HTTPStatus.PRECONDITION_FAILED or code == "ConditionalRequestConflict":
        return _NotNew(f"{name}: it is there already")
    if code in ("NoSuchKey", "404"):
        return NoSuchObject(f"{name}: there is no such object")
    passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING_STATUSES or code in _PASSING_CODES
    message = error.response.get("Error", {}).get("Message", "")
    advice = f"; {_ADVICE[code]}" if code in _ADVICE else ""
    return ObjectStoreError(f"{name}: cannot {action} it: {code} ({status}) {message}{advice}", passing=passing)


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _size_from_start(file: BinaryIO) -> int:
    """The size of a file, which then stands at its beginning."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size
