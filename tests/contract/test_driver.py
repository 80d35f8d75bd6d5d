"""A statement takes one turn of the database's thread, and its answer is whole however long it is."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from notifier.store.driver import ROWS_AT_ONCE, Connection, connect

COUNT_TO = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n"


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one with each turn of the thread."""
    taken: list[str] = []
    in_thread = Connection.in_thread

    def counted(self: Connection, function: object, *arguments: object) -> Awaitable[object]:
        taken.append(str(function))
        return in_thread(self, function, *arguments)

    monkeypatch.setattr(Connection, "in_thread", counted)
    return taken


async def test_a_short_answer_comes_with_its_statement(tmp_path: Path, turns: list[str]) -> None:
    connection = await connect(str(tmp_path / "a.db"))
    async with connection.cursor() as cursor:
        await cursor.execute(COUNT_TO, (3,))
        assert await cursor.fetchone() == (1,)
        assert await cursor.fetchall() == [(2,), (3,)]
        assert await cursor.fetchone() is None
        await cursor.close()
    assert len(turns) == 1
    await connection.close()


@pytest.mark.parametrize("rows", [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 3 * ROWS_AT_ONCE])
@pytest.mark.parametrize("size", [1, 700, 5 * ROWS_AT_ONCE, None])
async def test_an_answer_is_whole_and_in_order_however_it_is_fetched(
    tmp_path: Path, rows: int, size: int | None
) -> None:
    connection = await connect(str(tmp_path / "a.db"))
    async with connection.cursor() as cursor:
        await cursor.execute(COUNT_TO + " WHERE i <= ?", (max(rows, 1), rows))
        found: list[tuple[int]] = []
        if size is None:
            found = await cursor.fetchall()
        else:
            while some := await cursor.fetchmany(size):
                found += some
        await cursor.close()
    assert found == [(number,) for number in range(1, rows + 1)]
    await connection.close()


async def test_what_is_not_read_to_its_end_holds_nothing_up(tmp_path: Path) -> None:
    connection = await connect(str(tmp_path / "a.db"))
    async with connection.cursor() as cursor:
        await cursor.execute(COUNT_TO, (10 * ROWS_AT_ONCE,))
        assert len(await cursor.fetchmany(5)) == 5
        await cursor.close()
        assert await cursor.fetchall() == []
    async with asyncio.timeout(60):
        await connection.close()
