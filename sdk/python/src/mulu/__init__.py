"""Applications on a Mulu ledger (目录链).

    from mulu import Client, Key, actions

    client = Client("http://127.0.0.1:26701", key=Key.load("app.pem"),
                    member="11110000MULU00021K", office="yzyg")
    result = client.submit([actions.receipt(grant, "used", calls=12, client=client)])

Everything a node answers can be checked: ``Client(..., trust=Trust.pin(...))`` verifies the proof of
every record it reads before it returns it.
"""

from . import actions
from .client import Client, Event, Record, Result
from .errors import MuluError, NotCommitted, Refused, Unreachable, VerificationFailed
from .keys import Key
from .transaction import Transaction
from .verify import Trust

__all__ = [
    "Client", "Event", "Key", "MuluError", "NotCommitted", "Record", "Refused", "Result",
    "Transaction", "Trust", "Unreachable", "VerificationFailed", "actions",
]
__version__ = "0.1.0"
