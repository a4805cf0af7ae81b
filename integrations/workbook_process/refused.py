"""What this process answers instead of rows."""


class RefusedError(Exception):
    """`code` is one of those of `domain.import_rules.TableRefused`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
