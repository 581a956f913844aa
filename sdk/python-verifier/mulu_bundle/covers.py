"""The two covers: all records as one proof (SPEC 10.2), the log as another (10.3).

Both are read piece by piece, with a stack of at most 256 or 62 hashes. Neither raises: what does not
fit is a `fault`, the first of which stays.
"""

from . import crypto, encoding

EMPTY_SUBTREE = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"
DEPTH_MAX = 256
LEVEL_MAX = 62
LEAVES_MAX = 2**62


class StateCover:
    """Subtrees from left to right. `known` is called with (key, value), value None if proved absent."""

    def __init__(self, known):
        self.fault = None
        self.known = known
        self._next = 0  # where the next subtree begins, as a number of 256 bits
        self._stack = []  # (depth, hash, is it a stub): complete subtrees that wait for their right sibling
        self._path = None  # of the last Record, Leaf or Empty: (first key hash, depth, key hash of its leaf)
        self._absent = None  # bytes of the last Absent after it
        self.absent_due = False  # whether an Absent must come next

    def _wrong(self, why):
        if self.fault is None:
            self.fault = why

    def stub(self, depth, subtree):
        self._subtree(depth, subtree, is_stub=True)
        self._path = None

    def empty(self, depth):
        start = self._next
        self._subtree(depth, EMPTY_SUBTREE)
        self._path, self._absent, self.absent_due = (start, depth, None), None, True

    def leaf(self, depth, key_hash, value_hash):
        start = self._next
        self._subtree(depth, _leaf_hash(key_hash, value_hash))
        if not _on_path(key_hash, start, depth):
            self._wrong("a leaf does not lie on its path")
        self._path, self._absent, self.absent_due = (start, depth, key_hash), None, True

    def record(self, depth, key, value):
        key_hash = _key_hash(key)
        self.leaf(depth, key_hash, crypto.sha256(value))
        self.absent_due = False
        self.known(key, value)

    def absent(self, key):
        key_hash, order = _key_hash(key), key.encode("utf-8")
        if self._path is None:
            self._wrong("STA-03: an absent key stands after no leaf and no empty subtree")
        else:
            start, depth, present = self._path
            if not _on_path(key_hash, start, depth):
                self._wrong("STA-03: an absent key does not lie on the path of the leaf before")
            if key_hash == present:
                self._wrong("STA-03: a key is called absent and is there")
        if self._absent is not None and self._absent >= order:
            self._wrong("absent keys are not in ascending order")
        self._absent, self.absent_due = order, False
        self.known(key, None)

    def _subtree(self, depth, subtree, is_stub=False):
        if depth > DEPTH_MAX:
            return self._wrong("a depth is more than 256")
        size = 1 << (DEPTH_MAX - depth)
        if self._next >> DEPTH_MAX:
            return self._wrong("a subtree begins where the state ends")
        if self._next & (size - 1):
            return self._wrong("a subtree is larger than what is left where it begins")
        path = self._next >> (DEPTH_MAX - depth)
        self._next += size
        while path & 1:
            left_depth, left, left_is_stub = self._stack.pop()
            assert left_depth == depth, "what is contiguous and aligned has its sibling on the stack"
            if is_stub and left_is_stub:
                self._wrong("two stubs are siblings")
            subtree, is_stub = crypto.sha256(b"JMT::IntrnalNode" + left + subtree), False
            path, depth = path >> 1, depth - 1
        self._stack.append((depth, subtree, is_stub))

    def conclude(self, root):
        """The fault of the whole, or None (STA-01 to STA-03)."""
        if self._next != 1 << DEPTH_MAX:
            self._wrong("the state frames do not fill the state")
        elif self._stack[0][1] != root:
            self._wrong("STA-01: the state frames have another root than the tip")
        return self.fault


def _key_hash(key):
    return crypto.tagged(b"mulu/state-key/v1", key.encode("utf-8"))


def _leaf_hash(key_hash, value_hash):
    return crypto.sha256(b"JMT::LeafNode" + key_hash + value_hash)


def _on_path(key_hash, start, depth):
    return depth <= DEPTH_MAX and (int.from_bytes(key_hash, "big") ^ start) >> (DEPTH_MAX - depth) == 0


class LogCover:
    """Leaves and complete subtrees of the log from left to right."""

    def __init__(self):
        self.fault = None
        self.size = 0
        self._stack = []  # (level, hash, is it a stub), levels descending

    def _wrong(self, why):
        if self.fault is None:
            self.fault = why

    def stub(self, level, subtree):
        if level > LEVEL_MAX:
            return self._wrong("a level is more than 62")
        if self.size & ((1 << level) - 1):
            return self._wrong("a stub begins where no subtree of its level does")
        self._subtree(level, subtree, True)

    def leaf(self, leaf_bytes):
        self._subtree(0, crypto.sha256(b"\x00" + leaf_bytes), False)

    def _subtree(self, level, subtree, is_stub):
        if self.size + (1 << level) > LEAVES_MAX:
            return self._wrong("the log frames have too many leaves")
        self.size += 1 << level
        while self._stack and self._stack[-1][0] == level:
            _, left, left_is_stub = self._stack.pop()
            if is_stub and left_is_stub:
                self._wrong("two stubs are siblings")
            level, subtree, is_stub = level + 1, crypto.sha256(b"\x01" + left + subtree), False
        self._stack.append((level, subtree, is_stub))

    def conclude(self, size, root):
        """The fault of the whole, or None (LOG-01)."""
        if self.size != size:
            self._wrong("the log frames have %d leaves, the tip %d" % (self.size, size))
        elif self._root() != root:
            self._wrong("LOG-01: the log frames have another root than the tip")
        return self.fault

    def _root(self):
        if not self._stack:
            return crypto.sha256(b"")
        root = self._stack[-1][1]
        for _, left, _ in reversed(self._stack[:-1]):
            root = crypto.sha256(b"\x01" + left + root)
        return root
