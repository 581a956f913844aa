"""Hashes (SPEC 3) and Ed25519 as section 4 wants it: strict, no component of small order.

The library `cryptography` computes the cofactorless equation and compares the bytes of R. What it does
not promise is checked here: the scalar `s` is below the group order, the key is the canonical encoding
of a point of the curve, and neither the key nor R is of small order.
"""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIELD = 2**255 - 19
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_D = -121665 * pow(121666, FIELD - 2, FIELD) % FIELD
KEYS_REMEMBERED_MAX = 16_384

# The canonical encodings of the eight points whose order divides 8. R is compared with a canonical
# encoding by the equation, and a key must be one: other encodings of these points need no place here.
SMALL_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged(tag, data):
    """`H(domain, data)` of SPEC 3."""
    return hashlib.sha256(preimage(tag, data)).digest()


def preimage(tag, data):
    return bytes([len(tag)]) + tag + data


_keys_judged = {}


def key_fault(key):
    """Why these 32 bytes are no public key (SIG-01, SIG-02), or None."""
    if key in _keys_judged:
        return _keys_judged[key]
    if len(_keys_judged) >= KEYS_REMEMBERED_MAX:
        _keys_judged.clear()
    fault = _judge_key(key)
    _keys_judged[key] = fault
    return fault


def _judge_key(key):
    if key in SMALL_ORDER:
        return "SIG-02: the public key is of small order"
    number = int.from_bytes(key, "little")
    y = number & (2**255 - 1)
    if y >= FIELD:
        return "SIG-01: the public key is not canonical"
    # -x^2 + y^2 = 1 + d x^2 y^2, so x^2 = (y^2 - 1) / (d y^2 + 1); the divisor is never 0.
    numerator, divisor = (y * y - 1) % FIELD, (CURVE_D * y * y + 1) % FIELD
    # u/v is a square if and only if u*v is; Euler's criterion. x = 0 only for points of small order.
    if pow(numerator * divisor % FIELD, (FIELD - 1) // 2, FIELD) != 1:
        return "SIG-01: the public key is no point of the curve"
    return None


def signature_verifies(key, signature, message):
    """SIG-03. `key` has passed `key_fault`."""
    if signature[:32] in SMALL_ORDER:
        return False
    if int.from_bytes(signature[32:], "little") >= GROUP_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
