"""What can go wrong before the shop runs: each error is one sentence that says what to do.

EmbeddedError
├── BinaryUnusableError   a server's program is missing or cannot run on this machine
├── PortTakenError        another program listens where ours was told to listen
├── ServerFailedError     the program started, and then ended or never became ready
└── DataDirectoryInUseError   a second supervisor on the same data directory
"""


class EmbeddedError(Exception):
    """A fault of the surroundings, told in one sentence for the person at the keyboard."""


class BinaryUnusableError(EmbeddedError):
    pass


class PortTakenError(EmbeddedError):
    pass


class ServerFailedError(EmbeddedError):
    pass


class DataDirectoryInUseError(EmbeddedError):
    pass
