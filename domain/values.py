"""Values of the shop: money in paise, addresses, e-mail addresses, mobile numbers, ids."""

import re
from enum import StrEnum
from typing import Annotated, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from domain.kernel import ValueObject

ObjectIdText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")]
"""An ObjectId as 24 hexadecimal characters, as the specification's `_id`."""

UserId = ObjectIdText
ProductId = ObjectIdText
OrderId = ObjectIdText
PaymentId = ObjectIdText
ImageId = ObjectIdText
ResultId = ObjectIdText
ImportId = ObjectIdText

Paise = Annotated[int, Field(ge=0, le=10**13)]
"""An amount in hundredths of a rupee: never a float, at most 100 billion rupees."""

Quantity = Annotated[int, Field(ge=1, le=10)]


class Role(StrEnum):
    CUSTOMER = "customer"
    SUPPORT = "support"
    CATALOG_MANAGER = "catalog_manager"
    ORDER_MANAGER = "order_manager"
    FINANCE = "finance"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Money(ValueObject):
    """An amount in the smallest unit of its currency: 29999900 is ₹2,99,999."""

    amount: Paise
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "INR"

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def times(self, quantity: int) -> "Money":
        return Money(amount=self.amount * quantity, currency=self.currency)

    @property
    def major(self) -> float | int:
        """The amount in rupees for the specification's `Number` fields: whole rupees as an integer."""
        rupees, paise = divmod(self.amount, 100)
        return rupees if paise == 0 else float(f"{rupees}.{paise:02d}")

    @classmethod
    def zero(cls, currency: str = "INR") -> Self:
        return cls(amount=0, currency=currency)


def _stripped(text: str) -> str:
    return " ".join(text.split())


Line = Annotated[str, AfterValidator(_stripped), StringConstraints(min_length=1, max_length=200)]
OptionalLine = Annotated[str, AfterValidator(_stripped), StringConstraints(max_length=200)]


class Address(ValueObject):
    """A postal address. The five fields of the specification, and what a parcel needs besides."""

    street: Line
    city: Line
    state: Line
    zip_code: Annotated[str, StringConstraints(min_length=3, max_length=12)] = Field(
        alias="zipCode"
    )
    country: Line = "IN"
    name: OptionalLine = ""
    phone: OptionalLine = ""
    line2: OptionalLine = ""
    landmark: OptionalLine = ""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


ERASED_ADDRESS = {
    "street": "erased", "city": "erased", "state": "erased", "zip_code": "000", "country": "erased",
}  # fmt: skip

INDIAN_PIN = re.compile(r"^[1-9][0-9]{5}$")


def checked_pin(address: Address) -> Address:
    """Raise ValueError when an Indian address has no six-digit PIN that starts with 1 to 9."""
    if address.country.upper() in {"IN", "INDIA"} and not INDIAN_PIN.match(address.zip_code):
        raise ValueError("an Indian PIN has six digits and does not start with 0")
    return address


def normalised_email(text: str) -> str:
    """The address as it is compared and stored: trimmed, lower case. Raise ValueError when malformed."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as e:
        raise ValueError(str(e)) from e
    return found.normalized.casefold()


def normalised_mobile(text: str) -> str:
    """E.164. Ten Indian digits that start with 6 to 9 get +91; others need a country code."""
    digits = re.sub(r"[\s\-().]", "", text)
    if re.fullmatch(r"(\+91|91|0)?[6-9][0-9]{9}", digits):
        return "+91" + digits[-10:]
    if re.fullmatch(r"\+[1-9][0-9]{7,14}", digits) and not digits.startswith("+91"):
        return digits
    raise ValueError(
        "not a mobile number: ten digits that start with 6 to 9, or + and a country code"
    )


EmailText = Annotated[str, StringConstraints(max_length=254), AfterValidator(normalised_email)]
MobileText = Annotated[str, StringConstraints(max_length=32), AfterValidator(normalised_mobile)]
