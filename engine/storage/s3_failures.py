"""What a failed call to S3 means: retry it, or ask a person to change something first."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection

from engine.errors import NotFound, StorageError, StorageNotConfigured

# Temporary failures among boto3's own errors; all others concern the configuration.
_PASSING = (
    NoConnection,
    HTTPClientError,
    IncompleteReadError,
    FlexibleChecksumError,
    CredentialRetrievalError,
    MetadataRetrievalError,
)
# Sent with 400, although the request is well-formed.
_STALE_KEYS = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}
_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
# The answer to the end of an upload was lost, and it was ended again: the next upload finds the bytes.
_ENDED = "NoSuchUpload"


@contextmanager
def telling(where: str, bucket: str, key: str = "") -> Iterator[None]:
    """Translate boto3's errors in a call to the server at `where`.

    Their messages and exceptions are not passed on: they quote addresses, key IDs and what was signed. With a `key`,
    its absence is `NotFound`.
    """
    try:
        yield
    except ClientError as error:
        raise _meaning(error, where, bucket, key) from None
    except _PASSING as error:
        raise StorageError(f"{where} does not answer as it should ({type(error).__name__}).") from None
    except (BotoCoreError, ValueError) as error:
        raise StorageNotConfigured(
            f"S3 is not set up correctly ({type(error).__name__}): check AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL."
        ) from None


def status_of(error: ClientError) -> int:
    """The HTTP status of a refusal."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _meaning(error: ClientError, where: str, bucket: str, key: str) -> NotFound | StorageNotConfigured | StorageError:
    status = status_of(error)
    code = re.sub(r"\W", "", error.response["Error"].get("Code", ""))[:60]
    said = f"{where} answered {status} ({code}) for the bucket {bucket}"
    if key and code == "NoSuchKey":
        return NotFound(f"Nothing is stored under {key}.")
    if code == "NoSuchBucket":
        return StorageNotConfigured(f"{said}: it does not exist. Create it, or name another bucket.")
    if code in _ELSEWHERE or 300 <= status < 400:
        return StorageNotConfigured(f"{said}: it is in another region. Set AWS_REGION to that region.")
    if code == "RequestTimeTooSkewed":
        return StorageNotConfigured(f"{said}: this machine's clock is wrong. Set it.")
    if (status in (401, 403, 404) and code != _ENDED) or code in _STALE_KEYS:
        return StorageNotConfigured(
            f"{said}: the keys are invalid, expired or lack permission. Check AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY (or AWS_PROFILE), and that they may list the bucket, read, write and delete objects."
        )
    return StorageError(f"{said}.")
