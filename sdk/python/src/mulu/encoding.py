"""Bytes and hashes (SPEC sections 2 and 3): bincode with fixed-width little-endian integers."""

from __future__ import annotations

import hashlib
import json
from typing import Any, List, Mapping, Optional

HASH_TAG = b"\x01"
KEY_TAG = b"\x01"


def u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def text(value: str) -> bytes:
    data = value.encode("utf-8")
    return u64(len(data)) + data


def digest(value: str) -> bytes:
    """``sha256:<hex>`` as tag byte and 32 bytes."""
    return HASH_TAG + digest_bytes(value)


def digest_bytes(value: str) -> bytes:
    """The 32 bytes of ``sha256:<hex>``."""
    prefix, _, digits = value.partition(":")
    if prefix != "sha256" or len(digits) != 64 or digits != digits.lower():
        raise ValueError(f"not a digest: {value!r}")
    return bytes.fromhex(digits)


def public_key(value: str) -> bytes:
    """``ed25519:<hex>`` as tag byte and 32 bytes."""
    return KEY_TAG + public_key_bytes(value)


def public_key_bytes(value: str) -> bytes:
    """The 32 bytes of ``ed25519:<hex>``."""
    prefix, _, digits = value.partition(":")
    if prefix != "ed25519" or len(digits) != 64 or digits != digits.lower():
        raise ValueError(f"not a public key: {value!r}")
    return bytes.fromhex(digits)


def option(value: Optional[bytes]) -> bytes:
    return b"\x00" if value is None else b"\x01" + value


def preimage(domain: str, data: bytes) -> bytes:
    """``len(domain) ‖ domain ‖ data``: what is hashed or signed."""
    tag = domain.encode("ascii")
    return bytes([len(tag)]) + tag + data


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hash_of(domain: str, data: bytes) -> str:
    return sha256(preimage(domain, data))


def header_bytes(header: Mapping[str, Any]) -> bytes:
    """A block header (SPEC section 6) from its JSON form."""
    proposer = header["proposer"]
    return b"".join([
        u16(header["version"]), text(header["chain_id"]), u32(header["protocol_version"]),
        u64(header["height"]), u64(header["time_ms"]), digest(header["parent"]),
        option(None if proposer is None else public_key(proposer)), u32(header["transactions"]),
        digest(header["body"]), u64(header["log_size"]), digest(header["log_root"]),
        digest(header["state_root"]), digest(header["validator_set_hash"]),
        digest(header["next_validator_set_hash"]),
    ])


def header_id(header: Mapping[str, Any]) -> str:
    """The block id."""
    return hash_of("mulu/header/v1", header_bytes(header))


def log_entry_bytes(entry: Mapping[str, Any]) -> bytes:
    """A leaf of the log (SPEC section 7) from its JSON form."""
    outcome = entry["outcome"]
    if outcome["result"] == "accepted":
        result = u32(0)
    else:
        result = u32(1) + text(outcome["rule"]) + u32(outcome["action"])
    return b"".join([
        u16(entry["version"]), u64(entry["height"]), u32(entry["index"]), u64(entry["time_ms"]),
        digest(entry["transaction"]), digest(entry["envelope"]), result,
    ])


def validator_set_hash(validators: List[Mapping[str, Any]]) -> str:
    """The hash of a set, sorted by key as sets are."""
    ordered = sorted(validators, key=lambda v: public_key_bytes(v["public_key"]))
    parts = [public_key(v["public_key"]) + u64(v["power"]) + text(v["member"]) for v in ordered]
    return hash_of("mulu/validator-set/v1", u64(len(parts)) + b"".join(parts))


def history_event_bytes(event: Mapping[str, Any]) -> bytes:
    return b"".join([
        u64(event["height"]), u32(event["index"]), u32(event["action"]), digest(event["transaction"]),
    ])


def entry_id(first_code: str) -> str:
    """The id of a catalog entry: of its first code (SPEC 11.2)."""
    return hash_of("mulu/entry-id/v1", first_code.encode("utf-8"))


def record_id(transaction_id: str, action_index: int = 0) -> str:
    """The id of what an action created: an authorization, a receipt (SPEC 11.2)."""
    return hash_of("mulu/record-id/v1", digest(transaction_id) + u32(action_index))


def json_bytes(value: Any) -> bytes:
    """JSON as a signer writes it: UTF-8, no blanks. Any spelling is fine: the bytes are kept."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
