"""What a mail says, put together once, before its first send: after that it is frozen in the ledger."""

import msgspec

from shared.actions import SendMail
from shared.gateways import Runs
from shared.notices import Notice
from shared.records import EventRecord


def told(action: SendMail, key: str, record: EventRecord, runs: Runs) -> Notice:
    """Return the notice of the mail *key*, with what run history tells of the failed run that it is about."""
    notice = action.notice
    if action.failed_run:
        found = runs.diagnose(notice.workspace, action.failed_run, experiment=notice.experiment)
        notice = msgspec.structs.replace(notice, diagnosis=found)
    return msgspec.structs.replace(notice, job=record.job_beside(key), why=record.reactions[key].reason).bounded()
