"""Random requests to the API of a running daemon: schemathesis with all its checks, always with the same seed."""

import asyncio
import os
import sys
from pathlib import Path

HOOKS = Path(__file__).with_name("api_hooks.py")
EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
"""Random requests of each kind for each operation, beside those that cover the bounds of each value."""


async def send_random_requests(address: str, folder: Path, *, token: str | None) -> tuple[int, str]:
    """Send them, and return the exit status of schemathesis with its report.

    Args:
        address: of the daemon.
        folder: where schemathesis may leave files.
        token: of `http:`; None if there is none.
    """
    access = [] if token is None else ["--header", f"Authorization: Bearer {token}"]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *("run", f"{address}/api/v1/openapi.json", "--checks", "all", "--max-examples", str(EXAMPLES)),
        *("--generation-deterministic", "--continue-on-failure", "--no-color", "--warnings", "off", *access),
        *("--request-timeout", "20"),
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS), "NO_PROXY": "127.0.0.1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()
