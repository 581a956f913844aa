"""The byte encoding of SPEC 2: bincode with fixed-width little-endian integers, read suspiciously.

Nothing is allocated by a length that the input claims: a length or a count is compared with the bytes
that are left. Every function either returns a value that encodes to exactly the bytes read, or raises
`Malformed`.
"""

from . import crypto


CHAIN_ID_SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123456789-"


class NotABundle(Exception):
    """The file does not begin as a bundle does (BND-01): nothing can be decided."""


class Malformed(Exception):
    """The bytes are not what a bundle is made of, or not in its order (BND-02, BND-03)."""


class Reader:
    """A cursor over the bytes of one frame."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        end = self.at + count
        if end > len(self.data):
            raise Malformed("ENC-02: the bytes end within a value")
        part = self.data[self.at : end]
        self.at = end
        return part

    def number(self, width):
        return int.from_bytes(self.take(width), "little")

    def u8(self):
        return self.number(1)

    def u16(self):
        return self.number(2)

    def u32(self):
        return self.number(4)

    def u64(self):
        return self.number(8)

    def byte_list(self):
        return self.take(self.u64())

    def text(self):
        try:
            return self.byte_list().decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("ENC-02: a text is not UTF-8")

    def chain_id(self):
        name = self.text()
        if not 1 <= len(name) <= 64 or any(symbol not in CHAIN_ID_SYMBOLS for symbol in name):
            raise Malformed("ENC-02: not the id of a chain")
        return name

    def count(self, item_bytes_min):
        """The count of a list whose items have at least so many bytes."""
        count = self.u64()
        if count * item_bytes_min > len(self.data) - self.at:
            raise Malformed("ENC-02: a list claims more items than there are bytes")
        return count

    def list(self, item_bytes_min, read_item):
        return [read_item() for _ in range(self.count(item_bytes_min))]

    def optional(self, read_value):
        tag = self.u8()
        if tag > 1:
            raise Malformed("ENC-02: an optional is neither absent nor present")
        return read_value() if tag else None

    def digest(self):
        if self.u8() != 1:
            raise Malformed("ENC-02: a digest of an unknown algorithm")
        return self.take(32)

    def public_key(self):
        if self.u8() != 1:
            raise Malformed("ENC-02: a public key of an unknown algorithm")
        key = self.take(32)
        fault = crypto.key_fault(key)
        if fault:
            raise Malformed(fault)
        return key

    def signature(self):
        if self.u8() != 1:
            raise Malformed("ENC-02: a signature of an unknown algorithm")
        return self.take(64)

    def signed_by(self):
        return self.public_key(), self.signature()

    def since(self, start):
        """The bytes read since `start`: the one encoding of what was read."""
        return self.data[start : self.at]

    def end(self):
        if self.at != len(self.data):
            raise Malformed("ENC-03: bytes are left over")


def u16(value):
    return value.to_bytes(2, "little")


def u32(value):
    return value.to_bytes(4, "little")


def u64(value):
    return value.to_bytes(8, "little")


def text(value):
    data = value.encode("utf-8")
    return u64(len(data)) + data


def digest(value):
    return b"\x01" + value


def key_text(key):
    return "ed25519:" + key.hex()


def digest_text(value):
    return "sha256:" + value.hex()


def digest_of_text(value):
    """The 32 bytes of `sha256:<64 lower-case hexadecimal digits>`, or None."""
    if not isinstance(value, str) or len(value) != 71 or not value.startswith("sha256:"):
        return None
    if any(symbol not in "0123456789abcdef" for symbol in value[7:]):
        return None
    return bytes.fromhex(value[7:])


def shown(value):
    """A text of the bundle, fit for a terminal and short."""
    if len(value) > 300:
        value = value[:300] + "…"
    return "".join(symbol if symbol.isprintable() else "\\u%04x" % ord(symbol) for symbol in value)
