"""The notebook of docs/state.md reads what the app has written, on Azurite."""

import sys
import types
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from azure.data.tables import TableClient

from shared.store import Row, TableStore
from tests.fakes.events import altered, sample
from tests.fakes.service import FakeService, rules
from tests.markdown import DOCS, blocks

if TYPE_CHECKING:
    from local.azurite import Azurite

REACTIONS = """
recipients: { ops: $OPS_EMAIL }
reactions:
  - { name: offline-test, on: model-registered, when: { tags: { stage: candidate } },
      run: { job: pipelines/offline-test.yml } }
  - { name: retrain, on: data-drift, run: { job: pipelines/retrain.yml }, mail: { to: ops } }
"""


def test_the_notebook_reads_every_decision(azurite: "Azurite", monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands on the page; only the account, the login and the data frame are others."""
    name = f"doc{uuid.uuid4().hex}"  # noqa: TID251 - tests share the account
    client = TableClient.from_connection_string(azurite.connection_string, name)
    client.create_table()
    service = FakeService(reactions=rules(REACTIONS))
    service.deliver(altered("model-registered", modelTags={"stage": "draft"}))
    service.deliver(sample("monitor-breach"))
    for row in service.store.rows:
        TableStore(client).insert(Row(partition=row.partition, key=row.key, values=row.values))

    def table(url: str, table: str, *, credential: object) -> TableClient:
        assert (url, table, credential is not None) == ("https://ACCOUNT.table.core.windows.net", "state", True)
        return client

    frames = types.ModuleType("pandas")
    frames.DataFrame = list  # type: ignore[attr-defined] # all that is asked of it
    monkeypatch.setitem(sys.modules, "pandas", frames)
    monkeypatch.setattr("azure.data.tables.TableClient", table)
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", object)
    (notebook,) = (block.text for block in blocks((DOCS / "state.md").read_text()) if block.info == "python")
    told: dict[str, Any] = {}
    exec(notebook, told)  # noqa: S102 - the page's own
    with client:
        client.delete_table()
    assert sorted((one["reaction"], one["decision"], one["outcome"]) for one in told["frame"]) == [
        ("offline-test", "unmatched", ""),
        ("retrain", "admitted", "done"),
        ("retrain", "admitted", "done"),
    ]
    assert {one["subject"] for one in told["frame"]} == {"churn", "churn-monitor"}
