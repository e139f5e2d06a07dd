"""Runs commands one after the other, each in so many processes that train together, as `torchrun` starts them.

    python -m tests.benchmark.engine.forked '[[2, ["train", ...]], ...]'

The processes are forked from one that has imported everything, which takes seconds for each otherwise.
"""

import json
import os
import socket
import sys

import torch
import torch._dynamo  # what making an optimizer imports

import benchmark.runs.make  # noqa: F401
import tests.robustness.tiny  # noqa: F401 - the forked processes have all of this then
from benchmark import cli


def start(rank: int, world_size: int, port: int, arguments: list[str]) -> int:
    """The id of a new process that runs the command."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        group = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world_size, "MASTER_PORT": port}
        os.environ.update({name: str(value) for name, value in group.items()}, MASTER_ADDR="127.0.0.1")
        code = cli.main(arguments)
    finally:
        os._exit(code)


def main() -> int:
    torch.set_num_threads(1)
    for world_size, arguments in json.loads(sys.argv[1]):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        started = [start(rank, world_size, port, arguments) for rank in range(world_size)]
        if any(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in started):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
