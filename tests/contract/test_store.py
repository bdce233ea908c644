"""One suite for the store in memory and the one on an Azure table: what the ledger may rely on."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from shared.errors import RowTooLargeError, StorageError
from shared.settings import StateStorage
from shared.store import KEYS_PER_REQUEST, Conflict, Row, Store, TableStore, Written
from shared.store.limits import KEY_CHARACTERS, PROPERTIES, PROPERTY_CHARACTERS
from shared.transport import build_transport
from tests.fakes.store import MemoryStore

if TYPE_CHECKING:
    from local.azurite import Azurite

RACERS = 40

#: What a partition key may hold: any character but / \ # ? and control characters.
ODD_KEYS = [
    "o'neill's",
    "50%2f",
    "a+b&c=d",
    "(x) or @k0 eq 'y'",
    "größe",
    "日本",
    "🙂",
    "a|b ~!$,;:[]{}",
    "..",
    "A",
    "a",
]

WRITES: list[Callable[[Store, Row], object]] = [
    lambda store, row: store.insert(row),
    lambda store, row: store.merge(replace(row, etag='W/"1"')),
    lambda store, row: store.transaction([row]),
]


def written(answer: Written | Conflict) -> Written:
    """Check that *answer* is a success."""
    assert isinstance(answer, Written)
    return answer


def race(act: Callable[[int], Written | Conflict]) -> list[Written | Conflict]:
    """Let RACERS threads do *act* at the same moment."""
    start = Barrier(RACERS)

    def run(number: int) -> Written | Conflict:
        start.wait(30)
        return act(number)

    with ThreadPoolExecutor(RACERS) as threads:
        return list(threads.map(run, range(RACERS)))


class StoreContract:
    """The suite; a subclass gives the fixtures *store*, *down* (a store that cannot be reached) and *now*."""

    @pytest.fixture
    def partition(self, request: pytest.FixtureRequest) -> str:
        """Give a partition of the test's own."""
        return f"{type(self).__name__}|{request.node.name}".translate({ord(sign): "_" for sign in "/\\#?"})

    def test_inserted_row_is_read_as_written(self, store: Store, partition: str) -> None:
        """What is inserted is found, with the etag that the insert gave."""
        row = Row(partition=partition, key="event|1", values={"text": "a\n\"b' é", "empty": "", "number": -7})
        answer = written(store.insert(row))
        assert store.query(partition, ["event|1"]).rows == (replace(row, etag=answer.etags[0]),)

    def test_second_insert_is_refused(self, store: Store, partition: str) -> None:
        """A row that exists is not inserted again, and stays as it was."""
        row = Row(partition=partition, key="event|1", values={"a": "first"})
        written(store.insert(row))
        assert isinstance(store.insert(replace(row, values={"a": "second"})), Conflict)
        assert store.query(partition, ["event|1"]).rows[0].values == {"a": "first"}

    def test_merge_keeps_other_values(self, store: Store, partition: str) -> None:
        """A merge changes the named values and gives the row a new version."""
        row = Row(partition=partition, key="event|1", values={"a": "1", "b": "2"})
        first = written(store.insert(row)).etags[0]
        second = written(store.merge(replace(row, values={"b": "3", "c": 4}, etag=first))).etags[0]
        assert second != first
        assert store.query(partition, ["event|1"]).rows == (
            Row(partition=partition, key="event|1", values={"a": "1", "b": "3", "c": 4}, etag=second),
        )

    def test_merge_of_an_old_version_is_refused(self, store: Store, partition: str) -> None:
        """The second writer of a version that was read is refused."""
        row = Row(partition=partition, key="event|1", values={"a": "1"})
        read = replace(row, etag=written(store.insert(row)).etags[0])
        written(store.merge(replace(read, values={"a": "2"})))
        assert isinstance(store.merge(replace(read, values={"a": "3"})), Conflict)
        assert store.query(partition, ["event|1"]).rows[0].values == {"a": "2"}

    def test_merge_of_a_missing_row_is_refused(self, store: Store, partition: str) -> None:
        """A row that is gone is not made anew by a merge."""
        row = Row(partition=partition, key="event|1", values={"a": "1"})
        etag = written(store.insert(row)).etags[0]
        assert isinstance(store.merge(replace(row, key="event|2", etag=etag)), Conflict)
        assert [found.key for found in store.query(partition, ["event|1", "event|2"]).rows] == ["event|1"]

    def test_merge_without_a_version_is_a_mistake(self, store: Store, partition: str) -> None:
        """Nobody merges what was not read."""
        with pytest.raises(ValueError, match="etag"):
            store.merge(Row(partition=partition, key="event|1", values={}))

    def test_transaction_writes_all(self, store: Store, partition: str) -> None:
        """Inserts and merges go together; the etags come in the order given and serve the next merges."""
        old = Row(partition=partition, key="memory|b", values={"a": "1", "b": "2"})
        etag = written(store.insert(old)).etags[0]
        new = Row(partition=partition, key="event|a", values={"n": 1})
        answer = written(store.transaction([replace(old, values={"a": "9"}, etag=etag), new]))
        assert [
            (row.key, dict(row.values), row.etag) for row in store.query(partition, ["memory|b", "event|a"]).rows
        ] == [
            ("event|a", {"n": 1}, answer.etags[1]),
            ("memory|b", {"a": "9", "b": "2"}, answer.etags[0]),
        ]
        written(store.merge(replace(new, values={"n": 2}, etag=answer.etags[1])))
        again = written(store.transaction([replace(old, values={"a": "8"}, etag=answer.etags[0])]))
        written(store.merge(replace(old, values={"a": "7"}, etag=again.etags[0])))

    @pytest.mark.parametrize("position", [0, 1, 2])
    @pytest.mark.parametrize("kind", ["exists", "changed", "gone"])
    def test_refused_transaction_writes_nothing(self, store: Store, partition: str, position: int, kind: str) -> None:
        """One row that is not as expected, at any position, and no row is written."""
        row = Row(partition=partition, key="", values={"a": "old"})
        etags = [written(store.insert(replace(row, key=f"old|{number}"))).etags[0] for number in range(2)]
        rows = [replace(row, key=f"old|{number}", values={"a": "new"}, etag=etags[number]) for number in range(2)]
        bad = {
            "exists": replace(row, key="taken"),
            "changed": replace(row, key="taken", etag=etags[0]),
            "gone": replace(row, key="gone", etag=etags[0]),
        }[kind]
        written(store.insert(replace(row, key="taken")))
        assert isinstance(store.transaction([*rows[:position], bad, *rows[position:]]), Conflict)
        found = store.query(partition, ["old|0", "old|1", "taken", "gone"]).rows
        assert [(one.key, dict(one.values)) for one in found] == [
            (key, {"a": "old"}) for key in ("old|0", "old|1", "taken")
        ]

    def test_mixed_transaction_is_a_mistake(self, store: Store, partition: str) -> None:
        """A transaction is of one partition, of different rows, and not empty."""
        row = Row(partition=partition, key="a", values={})
        for rows in ([], [row, row], [row, replace(row, partition=f"{partition}2", key="b")]):
            with pytest.raises(ValueError, match="one partition"):
                store.transaction(rows)
        assert store.query(partition, ["a", "b"]).rows == ()

    def test_one_of_many_inserts_wins(self, store: Store, partition: str) -> None:
        """Of 40 racing inserts one is written, and it is the one that is read."""
        answers = race(lambda number: store.insert(Row(partition=partition, key="event|1", values={"by": number})))
        winners = [number for number, answer in enumerate(answers) if isinstance(answer, Written)]
        assert len(winners) == 1
        assert store.query(partition, ["event|1"]).rows[0].values == {"by": winners[0]}

    def test_one_of_many_merges_wins(self, store: Store, partition: str) -> None:
        """Of 40 racing merges of the same version one is written."""
        row = Row(partition=partition, key="event|1", values={"by": -1})
        etag = written(store.insert(row)).etags[0]
        answers = race(lambda number: store.merge(replace(row, values={"by": number}, etag=etag)))
        winners = [number for number, answer in enumerate(answers) if isinstance(answer, Written)]
        assert len(winners) == 1
        assert store.query(partition, ["event|1"]).rows[0].values == {"by": winners[0]}

    @pytest.mark.parametrize(
        "value",
        ["x" * PROPERTY_CHARACTERS, "é" * PROPERTY_CHARACTERS, "🙂" * (PROPERTY_CHARACTERS // 2)],
        ids=["ASCII", "two bytes in UTF-8", "two units in UTF-16"],
    )
    def test_largest_value_is_kept(self, store: Store, partition: str, value: str) -> None:
        """A value of exactly the limit is stored; the limit counts UTF-16."""
        written(store.insert(Row(partition=partition, key="event|1", values={"a": value})))
        assert store.query(partition, ["event|1"]).rows[0].values == {"a": value}

    @pytest.mark.parametrize("write", WRITES)
    @pytest.mark.parametrize(
        "values",
        [
            {"a": "x" * (PROPERTY_CHARACTERS + 1)},
            {"a": "🙂" * (PROPERTY_CHARACTERS // 2) + "x"},
            {f"p{number}": 1 for number in range(PROPERTIES + 1)},
            {f"p{number}": "x" * PROPERTY_CHARACTERS for number in range(16)},
            {"n": 2**63},
        ],
        ids=["long", "long in UTF-16", "many", "1 MiB in all", "number"],
    )
    def test_too_large_is_refused_before_anything_is_sent(
        self, down: Store, write: Callable[[Store, Row], object], values: dict[str, str | int]
    ) -> None:
        """What the service would refuse is refused even where no store can be reached."""
        with pytest.raises(RowTooLargeError):
            write(down, Row(partition="p", key="k", values=values))

    @pytest.mark.parametrize("key", ["partition", "key"])
    def test_long_keys_are_refused(self, down: Store, key: str) -> None:
        """So are keys over 1 KiB."""
        names = {"partition": "p", "key": "k", key: "x" * (KEY_CHARACTERS + 1)}
        with pytest.raises(RowTooLargeError):
            down.insert(Row(partition=names["partition"], key=names["key"], values={}))

    @pytest.mark.parametrize("odd", ODD_KEYS)
    def test_odd_keys_are_themselves(self, store: Store, partition: str, odd: str) -> None:
        """Quotes, signs and letters of all the world are nothing special in a key."""
        row = Row(partition=f"{partition}|{odd}", key=f"event|{odd}", values={"a": odd})
        etag = written(store.insert(row)).etags[0]
        etag = written(store.merge(replace(row, values={"c": 1}, etag=etag))).etags[0]
        written(store.transaction([replace(row, values={"d": 2}, etag=etag)]))
        (found,) = store.query(row.partition, [row.key, f"event|{odd}x"]).rows
        assert (found.partition, found.key) == (row.partition, row.key)
        assert dict(found.values) == {**row.values, "c": 1, "d": 2}

    @pytest.mark.parametrize("number", [0, -1, 2**31, -(2**63), 2**63 - 1])
    def test_numbers_of_64_bits_are_kept(self, store: Store, partition: str, number: int) -> None:
        """A number comes back as it went, in a transaction too."""
        row = Row(partition=partition, key="a", values={"n": number})
        written(store.insert(row))
        written(store.transaction([replace(row, key="b")]))
        assert [dict(found.values) for found in store.query(partition, ["a", "b"]).rows] == [{"n": number}] * 2

    def test_rows_come_in_key_order_without_the_missing(self, store: Store, partition: str) -> None:
        """Rows come by key whatever the order asked for; missing ones and other partitions are left out."""
        for key in ("b", "a", "c"):
            written(store.insert(Row(partition=partition, key=key, values={})))
        written(store.insert(Row(partition=f"{partition}2", key="x", values={})))
        assert [row.key for row in store.query(partition, ["c", "x", "a", "a"]).rows] == ["a", "c"]

    def test_many_keys_are_read(self, store: Store, partition: str) -> None:
        """There may be more keys than one request takes."""
        keys = [f"memory|{number:02}" for number in range(2 * KEYS_PER_REQUEST + 1)]
        for key in keys:
            written(store.insert(Row(partition=partition, key=key, values={})))
        assert [row.key for row in store.query(partition, keys[::-1]).rows] == keys

    def test_no_keys_are_a_mistake(self, store: Store, partition: str) -> None:
        """A query names what it wants."""
        with pytest.raises(ValueError, match="key"):
            store.query(partition, [])

    def test_answers_carry_the_clock_of_the_store(
        self, store: Store, partition: str, now: Callable[[], datetime]
    ) -> None:
        """Found, written and refused: each answer says when, in UTC, to the second."""
        row = Row(partition=partition, key="a", values={})
        before = now() - timedelta(seconds=2)
        etag = written(store.insert(row)).etags[0]
        answers = [
            store.query(partition, ["a"]),
            store.insert(row),
            store.transaction([row]),
            store.merge(replace(row, key="gone", etag=etag)),
            store.transaction([replace(row, key="b")]),
            store.merge(replace(row, etag=etag)),
        ]
        kinds = [type(answer).__name__ for answer in answers]
        assert kinds == ["Page", "Conflict", "Conflict", "Conflict", "Written", "Written"]
        for answer in answers:
            assert answer.at.utcoffset() == timedelta()
            assert answer.at.microsecond == 0
            assert before <= answer.at <= now()

    @pytest.mark.parametrize("write", WRITES)
    def test_unreachable_store_is_a_storage_error(self, down: Store, write: Callable[[Store, Row], object]) -> None:
        """Nothing listens: an error, never a Conflict."""
        with pytest.raises(StorageError):
            write(down, Row(partition="p", key="k", values={}))
        with pytest.raises(StorageError):
            down.query("p", ["k"])


@pytest.fixture(scope="module")
def table_store(azurite: "Azurite") -> Iterator[TableStore]:
    """Give a store on Azurite's table."""
    with build_transport() as transport:
        yield TableStore.connect(StateStorage(connection_string=azurite.connection_string), transport=transport)


class TestMemoryStore(StoreContract):
    """The suite on the store in memory."""

    @pytest.fixture
    def now(self) -> Callable[[], datetime]:
        """Give a clock that stands still."""
        return lambda: datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)

    @pytest.fixture
    def store(self, now: Callable[[], datetime]) -> MemoryStore:
        """Give an empty store."""
        return MemoryStore(now)

    @pytest.fixture
    def down(self, store: MemoryStore) -> MemoryStore:
        """Give a store that is down."""
        store.down = True
        return store


class TestTableStore(StoreContract):
    """The suite on Azurite."""

    @pytest.fixture
    def now(self) -> Callable[[], datetime]:
        """Give the machine's clock, which is Azurite's."""
        return lambda: datetime.now(UTC)  # noqa: TID251 - it is what the store's clock is compared with

    @pytest.fixture
    def store(self, table_store: TableStore) -> TableStore:
        """Give the one client that all these tests share."""
        return table_store

    @pytest.fixture
    def down(self) -> Iterator[TableStore]:
        """Give a store at a port where nothing listens."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        account = "AccountName=a;AccountKey=bm90aGluZw=="
        nowhere = f"DefaultEndpointsProtocol=http;{account};TableEndpoint=http://127.0.0.1:{port}/a"
        with build_transport() as transport:
            yield TableStore.connect(StateStorage(connection_string=nowhere), transport=transport)
