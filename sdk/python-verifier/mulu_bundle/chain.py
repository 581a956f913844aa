"""Headers, validator sets, certificates, envelopes and log entries (SPEC 5, 6, 7, 9)."""

from collections import namedtuple

from . import crypto, encoding

VALIDATORS_MAX = 128
POWER_TOTAL_LIMIT = 2**60
SIGNATURES_MAX = 32
RULE_BYTES_MAX = 16
PAYLOAD_BYTES_MAX = 61_440
PAYLOAD_TYPE = b"application/vnd.mulu.tx.v1+json"

Header = namedtuple(
    "Header",
    "id version chain_id protocol_version height time_ms parent proposer transactions body log_size"
    " log_root state_root validator_set_hash next_validator_set_hash",
)
ValidatorSet = namedtuple("ValidatorSet", "hash powers total fault")
Certificate = namedtuple("Certificate", "height round block signatures")
Envelope = namedtuple("Envelope", "digest transaction payload signatures signed_bytes")
Outcome = namedtuple("Outcome", "rule action")
ACCEPTED = Outcome(None, 0)
LogEntry = namedtuple("LogEntry", "version height index time_ms transaction envelope outcome")


def read_header(reader):
    start = reader.at
    fields = (
        reader.u16(),
        reader.chain_id(),
        reader.u32(),
        reader.u64(),
        reader.u64(),
        reader.digest(),
        reader.optional(reader.public_key),
        reader.u32(),
        reader.digest(),
        reader.u64(),
        reader.digest(),
        reader.digest(),
        reader.digest(),
        reader.digest(),
    )
    return Header(crypto.tagged(b"mulu/header/v1", reader.since(start)), *fields)


def read_validator_set(reader):
    start = reader.at
    validators = reader.list(49, lambda: (reader.public_key(), reader.u64(), reader.text()))
    powers = {key: power for key, power, _ in validators}
    total = sum(power for _, power, _ in validators)
    return ValidatorSet(
        crypto.tagged(b"mulu/validator-set/v1", reader.since(start)),
        powers,
        total,
        _set_fault(validators, total),
    )


def _set_fault(validators, total):
    """Why this list is no validator set (VAL-01), or None."""
    keys = [key for key, _, _ in validators]
    if not 1 <= len(validators) <= VALIDATORS_MAX:
        return "VAL-01: a set has 1 to 128 validators"
    if any(one >= next_one for one, next_one in zip(keys, keys[1:])):
        return "VAL-01: the validators are not sorted by key, or one occurs twice"
    if any(power < 1 for _, power, _ in validators) or total >= POWER_TOTAL_LIMIT:
        return "VAL-01: a validator has no power, or all have too much"
    return None


def read_certificate(reader):
    return Certificate(
        reader.u64(), reader.u32(), reader.digest(), reader.list(98, reader.signed_by)
    )


def certificate_fault(header, certificate, validators, chain_id):
    """Why the certificate does not show that this set decided this header, or None (CRT-01 to CRT-04)."""
    if header.version != 1:
        return "BLK-02: the header is of another version"
    if header.chain_id != chain_id:
        return "the header is of another chain"
    if header.validator_set_hash != validators.hash:
        return "the header names another validator set"
    if certificate.height != header.height or certificate.block != header.id:
        return "the certificate is for another block"
    keys = [key for key, _ in certificate.signatures]
    if any(one >= next_one for one, next_one in zip(keys, keys[1:])):
        return "CRT-01: the signatures are not sorted by key, or a validator occurs twice"
    if any(key not in validators.powers for key in keys):
        return "CRT-02: a signer is not in the set of this height"
    statement = crypto.preimage(
        b"mulu/vote/v1",
        encoding.text(chain_id)
        + encoding.u64(certificate.height)
        + encoding.u32(certificate.round)
        + encoding.u32(1)
        + b"\x01"
        + encoding.digest(certificate.block),
    )
    for key, signature in certificate.signatures:
        if not crypto.signature_verifies(key, signature, statement):
            return "CRT-03: the signature of %s does not verify" % encoding.key_text(key)
    power = sum(validators.powers[key] for key in keys)
    if 3 * power <= 2 * validators.total:
        return "CRT-04: the signers hold %d of %d, no quorum" % (power, validators.total)
    return None


def read_envelope(reader):
    start = reader.at
    payload = reader.byte_list()
    signatures = reader.list(98, reader.signed_by)
    signed_bytes = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE, len(payload), payload)
    return Envelope(
        crypto.tagged(b"mulu/envelope/v1", reader.since(start)),
        crypto.sha256(signed_bytes),
        payload,
        signatures,
        signed_bytes,
    )


def envelope_fault(envelope):
    """Why the envelope is not signed as section 5 wants it, or None (TX-02, TX-04, TX-05)."""
    if len(envelope.payload) > PAYLOAD_BYTES_MAX:
        return "TX-02: the payload has more than %d bytes" % PAYLOAD_BYTES_MAX
    keys = [key for key, _ in envelope.signatures]
    if not 1 <= len(keys) <= SIGNATURES_MAX:
        return "TX-04: there are %d signatures, not 1 to %d" % (len(keys), SIGNATURES_MAX)
    if any(one >= next_one for one, next_one in zip(keys, keys[1:])):
        return "TX-04: the signatures are not sorted by key, or a key signed twice"
    for key, signature in envelope.signatures:
        if not crypto.signature_verifies(key, signature, envelope.signed_bytes):
            return "TX-05: the signature of %s does not verify" % encoding.key_text(key)
    return None


def read_outcome(reader):
    variant = reader.u32()
    if variant == 0:
        return ACCEPTED
    if variant == 1:
        return Outcome(reader.text(), reader.u32())
    raise encoding.Malformed("ENC-02: an unknown outcome")


def read_log_entry(reader):
    """The entry and its bytes, the leaf."""
    start = reader.at
    entry = LogEntry(
        reader.u16(),
        reader.u64(),
        reader.u32(),
        reader.u64(),
        reader.digest(),
        reader.digest(),
        read_outcome(reader),
    )
    return entry, reader.since(start)


def is_well_formed(entry):
    """Version 1, and of a rejection a rule of 1 to 16 ASCII characters."""
    rule = entry.outcome.rule
    return entry.version == 1 and (rule is None or (1 <= len(rule) <= RULE_BYTES_MAX and rule.isascii()))


def log_entry_bytes(entry):
    outcome = encoding.u32(0)
    if entry.outcome.rule is not None:
        outcome = encoding.u32(1) + encoding.text(entry.outcome.rule) + encoding.u32(entry.outcome.action)
    return (
        encoding.u16(entry.version)
        + encoding.u64(entry.height)
        + encoding.u32(entry.index)
        + encoding.u64(entry.time_ms)
        + encoding.digest(entry.transaction)
        + encoding.digest(entry.envelope)
        + outcome
    )
