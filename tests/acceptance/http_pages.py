"""An HTTP client for the pages of a daemon."""

from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from acceptance.harness import DEADLINE, Process


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """An answer."""

    status: int
    text: str


class Pages:
    """The pages at an address, asked with a token if there is one."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **headers: str) -> Page:
        """Ask for one."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            async with session.get(self.address + path, headers={**self._headers, **headers}) as answer:
                return Page(status=answer.status, text=await answer.text())

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that have these labels."""
        families = text_string_to_metric_families((await self.get("/metrics")).text)
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        assert samples, name
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


async def pages_of(daemon: Process, token: str | None = None) -> Pages:
    """The pages of a daemon, as soon as it says where they are."""
    return Pages((await daemon.wait_for_log("http.listening"))["address"], token)
