"""What is wrong with a call, and not with its picture."""


class UnknownFunctionError(LookupError):
    """The pipeline defines no public function of this name."""
