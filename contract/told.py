"""Answers that show no document of a read model, or more than one."""

from datetime import datetime
from typing import Any, Literal

from typing_extensions import TypedDict

from projections.accounts import UserDocument
from projections.imports import ProblemDocument
from projections.stored import Id, shape


@shape
class Named(TypedDict):
    """The thing that a command made or changed, while the read models do not show it yet: ask again with the
    answer's Consistency-Token.
    """

    _id: Id


@shape
class Message(TypedDict):
    message: str


@shape
class UserBriefly(TypedDict):
    """While the read models do not show the account yet."""

    _id: Id
    email: str
    mobile: str | None
    firstName: str
    lastName: str
    roles: list[str]


@shape
class Tokens(TypedDict):
    user: UserDocument | UserBriefly
    accessToken: str
    refreshToken: str
    """Works once: its answer brings the next one."""
    tokenType: Literal["bearer"]
    expiresIn: int
    """Seconds for which the access token is good."""


@shape
class ImportAccepted(TypedDict):
    importId: Id
    status: Literal["processing"]


@shape
class ImportOutcome(TypedDict):
    importId: Id
    status: Literal["completed", "partial", "failed", "cancelled"]
    imported: int
    failed: int
    errors: list[str]
    message: str
    created: int
    updated: int
    unchanged: int
    skipped: int
    totalRows: int
    warnings: list[str]
    processingTime: int
    """Milliseconds."""


@shape
class ImportSummary(TypedDict):
    toCreate: int
    toUpdate: int
    toSkip: int
    unchanged: int
    failed: int


@shape
class PlannedRow(TypedDict):
    row: int
    action: Literal["create", "update"]
    name: str
    priceMinor: int
    category: str
    availability: str
    specifications: dict[str, str | None]


@shape
class HeaderProblem(TypedDict):
    code: str
    message: str
    missing: list[str]


@shape
class ImportReport(TypedDict):
    """What an import would do."""

    valid: bool
    errors: list[str]
    problems: list[ProblemDocument | HeaderProblem]
    warnings: list[str]
    summary: ImportSummary
    preview: list[PlannedRow]
    processingTime: int


@shape
class UploadForm(TypedDict):
    """A form that brings one file to the object store: POST `fields` to `url`, the file last."""

    uploadId: str
    method: Literal["POST"]
    url: str
    fields: dict[str, str]
    expiresAt: datetime


@shape
class RazorpayCheckout(TypedDict):
    keyId: str
    orderId: str | None


@shape
class Intent(TypedDict):
    """What the browser needs to open the gateway's checkout."""

    paymentId: Id
    orderId: Id
    gateway: str
    status: str
    amount: float
    amountMinor: int
    currency: str
    razorpay: RazorpayCheckout


@shape
class HistoryEvent(TypedDict):
    position: int | None
    """In the ledger; null while it waits for its place."""
    stream: str
    version: int
    type: str
    time: datetime
    actor: str
    command: str
    commit: str
    eventId: str
    causation: str | None
    data: dict[str, Any]
    hash: str
    """Of the whole commit."""
    blockHash: str | None
    """Chains the ledger's block that holds it."""
    sealed: bool
    """Whether it has personal parts, which are not shown."""


@shape
class Received(TypedDict):
    received: Literal[True]


@shape
class PaymentMethod(TypedDict):
    id: str


@shape
class Live(TypedDict):
    status: Literal["live"]


@shape
class Ready(TypedDict):
    status: Literal["ready"]
    checked: list[str]
