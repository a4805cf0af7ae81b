"""Run a program that the kernel ends together with its parent: `leash.py PARENT_PID PROGRAM …`.

Called as a script by an isolated interpreter, so it imports nothing of ours. A helper program
instead of `preexec_fn`, which may deadlock once the parent has threads. SIGKILL, because a
server may be stopped (SIGSTOP) when its parent dies, and all of ours survive a kill.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent_pid: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent_pid:  # it died before we asked
            os._exit(1)
    os.execv(command[0], command)  # noqa: S606 # no shell is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
