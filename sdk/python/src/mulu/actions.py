"""The actions applications use most, as plain dictionaries (SPEC 11.3 lists all). Any other action is
a dictionary you write yourself: ``{"type": "entry.publish", "entry": {...}}``."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, TYPE_CHECKING

from . import encoding

if TYPE_CHECKING:
    from .client import Client, Record

Action = Dict[str, Any]


def request(
    entry: "Record", *, items: List[str], basis: str, scenario: str, scope: str, method: str,
    from_ms: int, to_ms: int, calls: Optional[int] = None, records: Optional[int] = None,
    bytes: Optional[int] = None, auto_agree: bool = False,
) -> Action:
    """``authorization.request``: for the version of the entry that was read."""
    limits = {name: value for name, value in
              (("calls", calls), ("records", records), ("bytes", bytes)) if value is not None}
    action: Action = {
        "type": "authorization.request", "entry_id": entry.value["entry_id"],
        "entry_version": entry.version, "items": items,
        "purpose": {"basis": basis, "scenario": scenario}, "scope": scope, "method": method,
        "window": {"from_ms": from_ms, "to_ms": to_ms}, "limits": limits,
    }
    if auto_agree:
        action["auto_agree"] = True
    return action


def agree(authorization_id: str) -> Action:
    """``authorization.agree``: the provider to the request, or the consumer to the offer."""
    return {"type": "authorization.agree", "authorization_id": authorization_id}


def finalize(grant: "Record") -> Action:
    """``authorization.finalize``: officers of both parties sign this one transaction."""
    return {"type": "authorization.finalize",
            "authorization_id": grant.value["authorization_id"],
            "terms_hash": grant.value["terms_hash"]}


def receipt(
    grant: "Record", kind: str, *, client: "Client", calls: int = 0, records: int = 0,
    bytes: int = 0, items: Optional[List[str]] = None, from_ms: Optional[int] = None,
    to_ms: Optional[int] = None, digest: Optional[str] = None, peer_receipt: Optional[str] = None,
    member: Optional[str] = None,
) -> Action:
    """``receipt.record`` with the next number of this member's chain under the grant."""
    value: Mapping[str, Any] = grant.value
    granted = value.get("granted") or value["requested"]
    signer = member if member is not None else client.member
    last = client.find(f"receipt-chain/{value['authorization_id']}/{signer}")
    now = client.status()["time_ms"]
    action: Action = {
        "type": "receipt.record", "authorization_id": value["authorization_id"],
        "terms_hash": value["terms_hash"], "kind": kind,
        "items": items if items is not None else granted["items"], "purpose": value["purpose"],
        "window": {"from_ms": from_ms if from_ms is not None else max(granted["window"]["from_ms"], now - 1),
                   "to_ms": to_ms if to_ms is not None else now},
        "counts": {"calls": calls, "records": records, "bytes": bytes},
        "seq": 1 if last is None else last.value["seq"] + 1,
    }
    if last is not None:
        action["prev_receipt"] = last.value["receipt_id"]
    if digest is not None:
        action["digest"] = digest
    if peer_receipt is not None:
        action["peer_receipt"] = peer_receipt
    return action


entry_id = encoding.entry_id
