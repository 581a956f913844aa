"""The golden vectors of the Rust implementation, read by this one."""

import base64
import json
import os
import unittest
from pathlib import Path

from mulu import Key, Transaction, Trust, VerificationFailed, encoding, verify
from mulu.transaction import pae

VECTORS = Path(os.environ.get("MULU_VECTORS", Path(__file__).resolve().parents[3] / "tests" / "vectors"))


def load(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


class Transactions(unittest.TestCase):
    def test_the_envelope_is_the_vectors_byte_for_byte(self):
        vector = load("transaction.json")
        transaction = Transaction(vector["payload"].encode("utf-8"))
        transaction.sign(*[Key.from_seed(bytes.fromhex(seed)) for seed in vector["seeds"]])
        self.assertEqual(pae(transaction.payload).hex(), vector["pre_authentication_encoding_hex"])
        self.assertEqual(transaction.id, vector["transaction_id"])
        self.assertEqual(transaction.envelope(), vector["envelope_json"])
        self.assertEqual(transaction.envelope_bytes().hex(), vector["envelope_hex"])
        self.assertEqual(transaction.envelope_digest(), vector["envelope_digest"])

    def test_a_payload_that_is_too_long_is_refused_here(self):
        with self.assertRaises(ValueError):
            Transaction(b"x" * (64 * 1024 + 1))


class Blocks(unittest.TestCase):
    def setUp(self):
        self.block = load("block.json")

    def test_headers_and_sets_hash_as_they_should(self):
        block = self.block
        self.assertEqual(encoding.header_bytes(block["genesis"]).hex(), block["genesis_hex"])
        self.assertEqual(encoding.header_id(block["genesis"]), block["genesis_id"])
        self.assertEqual(encoding.header_bytes(block["header"]).hex(), block["header_hex"])
        self.assertEqual(encoding.header_id(block["header"]), block["header_id"])
        self.assertEqual(encoding.validator_set_hash(block["validators"]), block["validator_set_hash"])

    def certificate(self):
        """The certificate's JSON form, from its bytes."""
        data = bytes.fromhex(self.block["certificate_hex"])
        number = lambda at, size: int.from_bytes(data[at:at + size], "little")  # noqa: E731
        votes, at = [], 8 + 4 + 33 + 8
        for _ in range(number(at - 8, 8)):
            votes.append({
                "validator": "ed25519:" + data[at + 1:at + 33].hex(),
                "signature": base64.b64encode(data[at + 34:at + 98]).decode(),
            })
            at += 98
        self.assertEqual(at, len(data))
        return {"height": number(0, 8), "round": number(8, 4),
                "block": "sha256:" + data[13:45].hex(), "signatures": votes}

    def trust(self):
        return Trust(self.block["header"]["chain_id"], self.block["validators"])

    def test_a_certificate_is_a_quorum_of_valid_signatures(self):
        header, certificate = self.block["header"], self.certificate()
        self.assertEqual(self.trust().check_header(header, certificate), self.block["header_id"])
        fewer = {**certificate, "signatures": certificate["signatures"][:2]}
        twice = {**certificate, "signatures": certificate["signatures"][:1] * 3}
        forged = json.loads(json.dumps(certificate))
        forged["signatures"][1]["signature"] = forged["signatures"][0]["signature"]
        for wrong in (fewer, twice, forged, None):
            with self.assertRaises(VerificationFailed):
                self.trust().check_header(header, wrong)
        for field, value in (("height", 2), ("log_size", 3), ("chain_id", "mulu-other"),
                             ("validator_set_hash", self.block["header_id"])):
            with self.assertRaises(VerificationFailed):
                self.trust().check_header({**header, field: value}, certificate)

    def test_a_record_is_proved_and_no_other_value_is(self):
        record, root = self.block["record"], self.block["header"]["state_root"]
        proof = self.block["record_proof"]
        value = record["value"].encode()
        verify.check_state_proof(root, record["key"], value, proof)
        for key, wrong in ((record["key"], b"{}"), (record["key"], None), ("entry/x", value)):
            with self.assertRaises(VerificationFailed):
                verify.check_state_proof(root, key, wrong, proof)
        answer = {"value": json.loads(value), "proof": {
            **proof, "header": self.block["header"], "certificate": self.certificate(),
            "value_base64": base64.b64encode(value).decode()}}
        self.assertEqual(self.trust().check_record(record["key"], answer), value)
        with self.assertRaises(VerificationFailed):
            self.trust().check_record(record["key"], {**answer, "value": {"name": "other"}})

    def test_the_log_holds_the_transaction(self):
        entries, header = self.block["log_entries"], self.block["header"]
        leaves = [verify.leaf_hash(encoding.log_entry_bytes(e["entry"])) for e in entries]
        for leaf, entry in zip(leaves, entries):
            self.assertEqual("sha256:" + leaf.hex(), entry["leaf_hash"])
            self.assertEqual(encoding.log_entry_bytes(entry["entry"]).hex(), entry["leaf_hex"])
        root = encoding.digest_bytes(header["log_root"])
        for index in (0, 1):
            verify.check_inclusion(leaves[index], index, 2, [leaves[1 - index]], root)
            with self.assertRaises(VerificationFailed):
                verify.check_inclusion(leaves[index], 1 - index, 2, [leaves[1 - index]], root)
            with self.assertRaises(VerificationFailed):
                verify.check_inclusion(leaves[index], index, 2, [], root)

    def test_a_history_is_complete_or_its_head_differs(self):
        history = self.block["history"]
        self.assertEqual(verify.history_head(history["events"]), history["leaf"]["head"])
        self.assertNotEqual(verify.history_head([]), history["leaf"]["head"])


class Inclusion(unittest.TestCase):
    """RFC 9162 inclusion over every tree of up to 20 leaves."""

    def test_every_leaf_of_every_small_tree(self):
        def split_of(leaves):
            return 1 << ((len(leaves) - 1).bit_length() - 1)

        def root_of(leaves):
            if len(leaves) == 1:
                return leaves[0]
            split = split_of(leaves)
            return verify._hash(b"\x01", root_of(leaves[:split]), root_of(leaves[split:]))

        def path_of(index, leaves):
            if len(leaves) == 1:
                return []
            split = split_of(leaves)
            if index < split:
                return path_of(index, leaves[:split]) + [root_of(leaves[split:])]
            return path_of(index - split, leaves[split:]) + [root_of(leaves[:split])]

        for size in range(1, 21):
            leaves = [verify.leaf_hash(bytes([n])) for n in range(size)]
            root = root_of(leaves)
            for index in range(size):
                path = path_of(index, leaves)
                verify.check_inclusion(leaves[index], index, size, path, root)
                for wrong in (path + [root], path[:-1] if path else [root]):
                    with self.assertRaises(VerificationFailed):
                        verify.check_inclusion(leaves[index], index, size, wrong, root)


if __name__ == "__main__":
    unittest.main()
