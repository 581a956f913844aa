#!/usr/bin/env python3
"""The verifier on the golden vectors of tests/vectors, whole and tampered with.

    python3 sdk/python-verifier/test_mulu_verify.py
"""

import base64
import hashlib
import io
import json
import pathlib
import random
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent.parent / "tests" / "vectors"
sys.path.insert(0, str(HERE))

import mulu_verify  # noqa: E402
from mulu_bundle import chain, covers, crypto, encoding, questions, standing, verdicts  # noqa: E402


def vector(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


GOLDEN = vector("bundle.json")
BLOCK = vector("block.json")
GENESIS = GOLDEN["trusted_genesis"]
FILE = bytes.fromhex(GOLDEN["bundle_hex"])


def frames_of(data):
    frames, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        frames.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return frames


def file_of(frames, counted=None):
    """A bundle of these frames but the last, which is made anew: it counts the others."""
    end = encoding.u32(12) + encoding.u64(len(frames) if counted is None else counted)
    return b"MULUBND2" + b"".join(encoding.u32(len(frame)) + frame for frame in [*frames, end])


FRAMES = frames_of(FILE)[:-1]
HEAD, TIP, RECORD, ABSENT, HISTORY_LEAF, HISTORY, TRANSACTION, LOG_STUB = range(8)


def changed(number, old, new):
    """The golden bundle with these bytes of one frame exchanged."""
    assert FRAMES[number].count(old) == 1, "the bytes to exchange occur once"
    frames = list(FRAMES)
    frames[number] = frames[number].replace(old, new)
    return file_of(frames)


def report(data, genesis=GENESIS):
    return mulu_verify.verify(io.BytesIO(data), genesis)


class GoldenVectors(unittest.TestCase):
    def test_the_bundle_is_verified(self):
        self.assertEqual(file_of(FRAMES), FILE)
        self.assertEqual("sha256:" + hashlib.sha256(FILE).hexdigest(), GOLDEN["sha256"])
        self.assertEqual((report(FILE)["exit"], report(FILE)["failures"]), (0, {}))

    def test_header_certificate_and_set(self):
        genesis = chain.read_header(encoding.Reader(bytes.fromhex(BLOCK["genesis_hex"])))
        header = chain.read_header(encoding.Reader(bytes.fromhex(BLOCK["header_hex"])))
        self.assertEqual(encoding.digest_text(genesis.id), BLOCK["genesis_id"])
        self.assertEqual(encoding.digest_text(header.id), BLOCK["header_id"])
        listed = sorted(BLOCK["validators"], key=lambda one: one["public_key"])
        data = encoding.u64(len(listed)) + b"".join(
            b"\x01"
            + bytes.fromhex(one["public_key"][8:])
            + encoding.u64(one["power"])
            + encoding.text(one["member"])
            for one in listed
        )
        validators = chain.read_validator_set(encoding.Reader(data))
        self.assertEqual(encoding.digest_text(validators.hash), BLOCK["validator_set_hash"])
        self.assertIsNone(validators.fault)
        certificate = chain.read_certificate(encoding.Reader(bytes.fromhex(BLOCK["certificate_hex"])))
        fault = chain.certificate_fault
        self.assertIsNone(fault(header, certificate, validators, "mulu-vectors"))
        self.assertIn("CRT-03", fault(header._replace(chain_id="x"), certificate, validators, "x"))
        fewer = certificate._replace(signatures=certificate.signatures[:2])
        self.assertIn("CRT-04", fault(header, fewer, validators, "mulu-vectors"))
        again = certificate._replace(signatures=certificate.signatures[:1] * 3)
        self.assertIn("CRT-01", fault(header, again, validators, "mulu-vectors"))

    def test_envelope(self):
        golden = vector("transaction.json")
        envelope = chain.read_envelope(encoding.Reader(bytes.fromhex(golden["envelope_hex"])))
        self.assertEqual(encoding.digest_text(envelope.transaction), golden["transaction_id"])
        self.assertEqual(encoding.digest_text(envelope.digest), golden["envelope_digest"])
        self.assertIsNone(chain.envelope_fault(envelope))
        swapped = envelope._replace(signatures=envelope.signatures[::-1])
        self.assertIn("TX-04", chain.envelope_fault(swapped))
        self.assertIn("TX-04", chain.envelope_fault(envelope._replace(signatures=[])))

    def test_log_entries(self):
        cover = covers.LogCover()
        for one in BLOCK["log_entries"]:
            leaf = bytes.fromhex(one["leaf_hex"])
            entry, read = chain.read_log_entry(encoding.Reader(leaf))
            self.assertEqual((read, chain.log_entry_bytes(entry)), (leaf, leaf))
            cover.leaf(leaf)
        self.assertIsNone(cover.conclude(2, encoding.digest_of_text(BLOCK["header"]["log_root"])))


class Tampering(unittest.TestCase):
    def failed(self, data, *checks, genesis=GENESIS):
        told = report(data, genesis)
        self.assertEqual((told["exit"], list(told["failures"])), (1, list(checks)), told)

    def undecidable(self, data, word, genesis=GENESIS):
        told = report(data, genesis)
        self.assertEqual(told["exit"], 2)
        self.assertIn(word, told["error"])

    def test_evidence(self):
        self.failed(FILE, "genesis", genesis="sha256:" + "00" * 32)
        self.failed(changed(RECORD, b"market entities", b"market entitieZ"), "state-records")
        self.failed(changed(TRANSACTION, b'"valid_until":100', b'"valid_until":101'),
                    "signatures", "log-inclusion", "histories-complete")
        self.failed(changed(HISTORY_LEAF, b"\x29" + bytes(7) + b"\x01", b"\x29" + bytes(7) + b"\x02"),
                    "state-records", "histories-complete")
        stub = FRAMES[LOG_STUB]
        self.failed(file_of(FRAMES[:LOG_STUB] + [stub[:-1] + bytes([stub[-1] ^ 1])]), "log-inclusion")
        tip = FRAMES[TIP]
        self.failed(file_of(FRAMES[:TIP] + [tip[:-1] + bytes([tip[-1] ^ 1])] + FRAMES[TIP + 1 :]),
                    "tip-certificate")
        self.failed(changed(ABSENT, b"member/absent", b"member/abseny"), "state-records")

    def test_left_out(self):
        self.failed(file_of(FRAMES[:LOG_STUB]), "log-inclusion")
        self.failed(file_of(FRAMES[:TRANSACTION] + FRAMES[LOG_STUB:]), "log-inclusion", "histories-complete")
        self.assertTrue(FRAMES[TRANSACTION].endswith(encoding.u64(1) + bytes(8)))
        self.failed(file_of(FRAMES[:TRANSACTION] + [FRAMES[TRANSACTION][:-16] + bytes(8), FRAMES[LOG_STUB]]),
                    "histories-complete")

    def test_form(self):
        end = "bundle-form"
        self.failed(FILE[:-1], end)
        self.failed(file_of(FRAMES, counted=7), end)
        self.failed(FILE + encoding.u32(12) + FRAMES[ABSENT], end)
        self.failed(file_of(FRAMES[1:]), end, "genesis", "tip-certificate")
        self.failed(file_of(FRAMES[:1]), end, "tip-certificate")
        self.failed(file_of([FRAMES[HEAD] + b"\0"] + FRAMES[1:]), end, "genesis", "tip-certificate")
        self.failed(file_of(FRAMES[:2]), end, "log-inclusion", "state-records", "question")
        self.failed(FILE[: FILE.index(FRAMES[TRANSACTION]) - 4], end, "log-inclusion", "histories-complete")
        self.assertIn("BND-02", report(b"MULUBND2" + b"\xff\xff\xff\xff")["failures"][end])

    def test_no_bundle(self):
        self.undecidable(b"", "BND-01")
        self.undecidable(b"MULUBND1" + FILE[8:], "BND-01")
        self.undecidable(FILE, "genesis", genesis="sha256:" + "GG" * 32)
        self.undecidable(FILE, "genesis", genesis=None)

    def test_no_bytes_end_the_process(self):
        dice = random.Random(1)
        for _ in range(3_000):
            data = bytearray(FILE)
            for _ in range(dice.randint(1, 4)):
                at = dice.randrange(len(data))
                if dice.random() < 0.7:
                    data[at] = dice.randrange(256)
                elif dice.random() < 0.5:
                    del data[at : at + dice.randint(1, 40)]
                else:
                    data[at:at] = dice.randbytes(dice.randint(1, 40))
            told = report(bytes(data))
            # Another key proved absent by the same leaf is as true as the one the vector names.
            if frames_of(bytes(data))[:ABSENT] != FRAMES[:ABSENT]:
                self.assertIn(told["exit"], (1, 2))


class Keys(unittest.TestCase):
    def test_small_order_and_loose_encodings_are_refused(self):
        for key in crypto.SMALL_ORDER:
            self.assertIn("SIG-02", crypto.key_fault(key))
        for y in (crypto.FIELD, crypto.FIELD + 1, 2**255 - 1):
            self.assertIn("SIG-01", crypto.key_fault(y.to_bytes(32, "little")))
        self.assertIn("SIG-01", crypto.key_fault((2).to_bytes(32, "little")))
        self.assertIsNone(crypto.key_fault(bytes.fromhex(BLOCK["validators"][0]["public_key"][8:])))

    def test_signatures_with_another_scalar_or_a_weak_point_are_refused(self):
        golden = vector("transaction.json")
        envelope = chain.read_envelope(encoding.Reader(bytes.fromhex(golden["envelope_hex"])))
        key, signature = envelope.signatures[0]
        self.assertTrue(crypto.signature_verifies(key, signature, envelope.signed_bytes))
        scalar = int.from_bytes(signature[32:], "little") + crypto.GROUP_ORDER
        loose = signature[:32] + scalar.to_bytes(32, "little")
        self.assertFalse(crypto.signature_verifies(key, loose, envelope.signed_bytes))
        # The identity as key and as R, s = 0: the equation holds for every message.
        identity = (1).to_bytes(32, "little")
        self.assertFalse(crypto.signature_verifies(identity, identity + bytes(32), b"anything"))


class Ranges(unittest.TestCase):
    """Completeness of a range of heights: `.` a stub, `t3` a Transaction of block 3, `l3` a LogLeaf."""

    def test_completeness(self):
        for frames, complete in (
            ("t2 t3 t4", True), ("", True), ("t3", True), ("l1 t2 t3 l5", True), ("l1 l5", True), ("l1 l7 .", True),
            (". l1 t2 t3 l5 .", True), (". l1", True), ("l5 .", True), (". l1 l5 .", True),
            (".", False), (". t2 t3 l5", False), ("t2 . l5", False), ("l1 t2 l3 l5", False), ("l1 . l5", False),
            ("l1 t2 .", False), ("t1 . t2 t3 t4", False), ("t2 . t3", False), (". l5", False),
        ):
            question = questions.Question("heights/2-4")
            for frame in frames.split():
                if frame == ".":
                    question.log_stub()
                    continue
                entry = chain.LogEntry(1, int(frame[1:]), 0, 0, bytes(32), bytes(32), chain.ACCEPTED)
                (question.transaction_frame if frame[0] == "t" else question.log_leaf)(entry)
            tip = chain.Header(*[None] * len(chain.Header._fields))._replace(height=9)
            self.assertEqual(question.fault(tip) is None, complete, frames)

    def test_unknown_questions(self):
        for text in ("", "heights/4-2", "heights/1", "heights/-1-2", "times/1-" + "9" * 5_000,
                     "transaction/x", "no-grant/x", "heights/01-2", "receipts-of/office/x", "entry/" + "x" * 510):
            with self.assertRaises(encoding.Malformed, msg=text):
                questions.Question(text)


class Meaning(unittest.TestCase):
    WINDOW = {"from_ms": 1_000, "to_ms": 2_000}
    RECORD = {
        "status": "finalized",
        "purpose": {"basis": "b", "scenario": "s"},
        "requested": {"items": ["name", "phone"], "window": WINDOW, "limits": {}},
        "granted": {"items": ["name"], "window": WINDOW, "limits": {"calls": 10}},
        "totals": {kind: {"calls": 6, "records": 0, "bytes": 0} for kind in ("delivered", "received", "used")},
    }

    def test_standing(self):
        for now_ms, change, wanted in (
            (1_000, {}, "active"),
            (2_000, {}, "active"),
            (999, {}, "pending"),
            (2_001, {}, "expired"),
            (1_500, {"status": "suspended"}, "inactive"),
            (999, {"handed_on": {"delivered": {"calls": 4}}}, "exhausted"),
            (1_500, {"handed_on": {"delivered": {"calls": 3}, "used": {"calls": 3}}}, "active"),
            (1_500, {"granted": None}, "active"),
            (1_500, {"granted": 7, "totals": [], "requested": None}, "expired"),
        ):
            self.assertEqual(standing.standing({**self.RECORD, **change}, now_ms), wanted, (now_ms, change))

    def test_why_a_use_was_denied(self):
        grant = verdicts.Grant("authorization/a", self.RECORD)

        def denied(**change):
            receipt = {"items": ["name"], "purpose": self.RECORD["purpose"], "window": self.WINDOW}
            return grant.why_not({**receipt, "counts": {"calls": 1}, **change})[0]

        def act(kind, height=3, **fields):
            grant.act("authorization." + kind, {"authorization_id": "a", **fields}, height)

        self.assertEqual(denied(), "RCP-01")
        act("finalize", authorization_id="b")
        self.assertEqual(denied(), "RCP-01")
        act("finalize")
        self.assertEqual(denied(), "RCP-12")
        self.assertEqual(denied(items=["phone"]), "RCP-04")
        self.assertEqual(denied(purpose={"basis": "b", "scenario": "t"}), "RCP-05")
        self.assertEqual(denied(window={"from_ms": 999, "to_ms": 1_500}), "RCP-06")
        self.assertEqual(denied(counts={"calls": 11}), "RCP-08")
        used = {"authorization_id": "a", "kind": "used", "counts": {"calls": 10}}
        grant.receipt("r", used, "m", 4, None)
        self.assertEqual(denied(), "RCP-08")
        grant.receipt("r", {**used, "counts": {"calls": 9}}, "m", 4, {"counts": {"calls": 10}})
        self.assertEqual(denied(), "RCP-12")
        act("suspend")
        self.assertEqual(denied(), "RCP-01")
        act("resume")
        act("revoke", height=5)
        self.assertIn("revoked at height 5", grant.why_not({})[1][0])
        for _ in range(200):
            grant.receipt("r", used, "m", 6, None)
        self.assertEqual((len(grant.uses), grant.counted), (100, 102))

    def test_records_that_are_no_records(self):
        for value in (b"", b"[" * 70_000, b"\xff", b"1" * 10_000, b"[]", b"null", b'{"a": 1e999}'):
            self.assertIsInstance(verdicts.parsed(value), dict)
        grant = verdicts.Grant("authorization/a", {"granted": [], "requested": 7, "totals": "x"})
        grant.finalized = True
        odd = {"authorization_id": "a", "kind": ["used"], "counts": -1, "items": [{}], "window": 5}
        for kind in (["used"], "used", "denied", None):
            grant.receipt("r", {**odd, "kind": kind}, "m", 1, {"counts": "x"})
        self.assertEqual(len(grant.uses), 4)

    def test_the_answer(self):
        self.assertEqual([one["verdict"] for one in report(FILE)["verdicts"]], ["CURRENT"])
        self.assertEqual(report(FILE, "sha256:" + "00" * 32)["verdicts"], [])
        self.assertEqual(verdicts.time_text(1_763_699_999_123), "2025-11-21T12:39:59.123+08:00")
        verdicts.time_text(2**64 - 1)


class Program(unittest.TestCase):
    def run_program(self, *arguments, given=b""):
        done = subprocess.run([sys.executable, str(HERE / "mulu_verify.py"), *arguments],
                              input=given, capture_output=True, timeout=60)
        self.assertNotIn(b"Traceback", done.stderr)
        return done.returncode, done.stdout.decode("utf-8")

    def test_exit_codes(self):
        golden = ("-", "--genesis", GENESIS)
        self.assertEqual(self.run_program(*golden, given=FILE)[0], 0)
        self.assertEqual(self.run_program("-", "--genesis", "sha256:" + "00" * 32, given=FILE)[0], 1)
        self.assertEqual(self.run_program(*golden, given=b"MULU")[0], 2)
        self.assertEqual(self.run_program("/nowhere/bundle", "--genesis", GENESIS)[0], 2)
        self.assertEqual(self.run_program("-")[0], 2)
        self.assertEqual(self.run_program()[0], 2)

    def test_batch(self):
        line = json.dumps({"genesis": GENESIS, "bundle": base64.b64encode(FILE).decode()})
        deep = "[" * 100_000
        lines = [line, "", "[]", deep, '{"genesis":1,"bundle":2}', '{"genesis":{},"bundle":""}', "\xff", line]
        code, out = self.run_program("--batch", given="\n".join(lines).encode("latin-1"))
        self.assertEqual(code, 0)
        self.assertEqual([json.loads(one)["exit"] for one in out.splitlines()], [0, 2, 2, 2, 2, 2, 2, 0])


if __name__ == "__main__":
    unittest.main()
