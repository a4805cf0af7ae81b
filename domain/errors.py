"""What a caller can do wrong, and what can be unavailable. `main.py` gives each its HTTP status.

DomainError
  Invalid              the values cannot be accepted (422)
  Unreadable           the file or body cannot be read (400)
  Unauthenticated      who are you? (401)
  Forbidden            not with your role (403)
  NotFound             no such thing, or not yours (404)
  Gone                 it has ended, or never was (410)
  RuleViolation        valid, but not in this state (409)
    ConcurrencyConflict  others kept changing it first (409)
    Taken                another one has it: an e-mail address, a mobile number, a SKU (409)
  KeyReused            an Idempotency-Key came back with another body (422)
  PreconditionFailed   If-Match names an older version (412)
  PreconditionRequired If-Match is missing (428)
  TooLarge             over a limit of size (413)
  UnsupportedType      not a type of file that we take (415)
  TooManyRequests      over a limit of rate (429)
  Unavailable          something that we need is down (503)
    ImagingFailed        one picture was too much for the process that worked on it (503)
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One fault: the field's path (`items.0.quantity`) or a row of a file, a stable code, a sentence."""

    field: str
    code: str
    message: str


class DomainError(Exception):
    """Base of all. `code` is stable and machine-readable; the message is a sentence for a person."""

    code = "domain-error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: tuple[FieldError, ...] = (),
        **extra: object,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.errors = errors
        self.extra = extra
        """Further members of the problem document, such as `currentVersion`."""


class Invalid(DomainError):
    code = "invalid"


class Unreadable(DomainError):
    code = "unreadable-file"


class Unauthenticated(DomainError):
    code = "unauthenticated"


class Forbidden(DomainError):
    code = "forbidden"


class NotFound(DomainError):
    code = "not-found"


class Gone(DomainError):
    code = "gone"


class RuleViolation(DomainError):
    code = "rule-violation"


class ConcurrencyConflict(RuleViolation):
    code = "conflict"


class Taken(RuleViolation):
    code = "taken"


class KeyReused(DomainError):
    code = "idempotency-key-reused"


class PreconditionFailed(DomainError):
    code = "precondition-failed"


class PreconditionRequired(DomainError):
    code = "precondition-required"


class TooLarge(DomainError):
    code = "too-large"


class UnsupportedType(DomainError):
    code = "unsupported-type"


class TooManyRequests(DomainError):
    code = "too-many-requests"

    def __init__(self, detail: str, *, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(DomainError):
    code = "unavailable"

    def __init__(
        self, detail: str, *, code: str | None = None, retry_after_seconds: int = 5
    ) -> None:
        super().__init__(detail, code=code)
        self.retry_after_seconds = retry_after_seconds


class ImagingFailed(Unavailable):
    """The process died of this call, raised a fault or took too long; other calls are well."""

    code = "imaging-failed"
