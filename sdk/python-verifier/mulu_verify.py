#!/usr/bin/env python3
"""Verify an audit bundle of a Mulu ledger offline; nothing is believed but the genesis digest.

    mulu_verify.py BUNDLE --genesis sha256:<hex> [--json]
    mulu_verify.py --batch

With --batch each line of the input is {"genesis": "sha256:<hex>", "bundle": "<base64>"}, and each
line of the output {"exit": 0|1|2, "failures": {"<check>": "<why>"}, "verdicts": [...]}.

Exit codes: 0 verified; 1 the evidence is bad; 2 nothing can be decided: no bundle at all, no genesis
digest, a file that cannot be read, wrong usage. Needs Python 3.9 and the package `cryptography`.
"""

import argparse
import base64
import io
import json
import sys

try:
    from mulu_bundle import bundle, encoding
    from mulu_bundle.verdicts import Witness
except ImportError as missing:
    if (missing.name or "").split(".")[0] != "cryptography":
        raise
    sys.stderr.write("mulu_verify.py needs the package cryptography: pip install cryptography\n")
    sys.exit(2)

VERIFIED, FAILED, UNDECIDABLE = 0, 1, 2
LINE_CHARS_MAX = 1 << 30
SAID = {VERIFIED: "VERIFIED 验证通过", FAILED: "FAILED 验证不通过", UNDECIDABLE: "UNDECIDABLE 无法判定"}
CHECKS_ZH = dict(
    zip(
        bundle.CHECKS,
        "证据包格式 创世块 验证者集合 末块证书 签名 日志条目 日志包含 状态记录 历史完整 问题".split(),
    )
)


def verify(stream, genesis_text):
    """The report on one bundle, as --json prints it. Never raises for what the bundle holds."""
    genesis = encoding.digest_of_text(genesis_text)
    if genesis is None:
        return undecidable("the genesis digest is not sha256: and 64 lower-case hexadecimal digits")
    try:
        witness = Witness()
        evidence = bundle.check(stream, genesis, witness)
    except encoding.NotABundle as wrong:
        return undecidable(str(wrong), {"bundle-form": str(wrong)})
    except OSError as wrong:
        return undecidable("the file cannot be read: %s" % wrong)
    return {
        "exit": FAILED if evidence.failures else VERIFIED,
        "failures": evidence.failures,
        "verdicts": [] if evidence.failures else witness.verdicts(evidence.tip, evidence.histories),
        "question": evidence.question and encoding.shown(evidence.question.text),
        "tip": evidence.tip and {"height": evidence.tip.height, "time_ms": evidence.tip.time_ms},
    }


def undecidable(why, failures=()):
    return {"exit": UNDECIDABLE, "failures": dict(failures), "verdicts": [], "error": why}


def verify_line(line):
    try:
        request = json.loads(line)
        data = base64.b64decode(request["bundle"], validate=True)
        genesis = request["genesis"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return undecidable('the line is not {"genesis": "sha256:…", "bundle": "<base64>"}')
    return verify(io.BytesIO(data), genesis)


def batch(lines, out):
    while True:
        line = lines.readline(LINE_CHARS_MAX)
        if not line:
            return
        if not line.endswith(b"\n") and len(line) == LINE_CHARS_MAX:
            while not line.endswith(b"\n") and line:
                line = lines.readline(LINE_CHARS_MAX)
            report = undecidable("the line is longer than %d bytes" % LINE_CHARS_MAX)
        else:
            report = verify_line(line)
        out.write(json.dumps(report) + "\n")
        out.flush()


def print_report(report, out):
    if report["exit"] == UNDECIDABLE:
        out.write("%s: %s\n" % (SAID[UNDECIDABLE], report["error"]))
        return
    out.write("question: %s\n" % report["question"])
    if report["tip"]:
        out.write("tip: height %(height)d, time %(time_ms)d ms\n" % report["tip"])
    for name in bundle.CHECKS:
        why = report["failures"].get(name)
        out.write("%-4s %s %s%s\n" % ("BAD" if why else "ok", name, CHECKS_ZH[name], ": " + why if why else ""))
    for one in report["verdicts"]:
        words = tuple(encoding.shown(one[name]) for name in ("verdict", "subject", "because", "because_zh", "basis"))
        out.write("%s %s: %s\n    %s [%s]\n" % words)
    out.write(SAID[report["exit"]] + "\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("bundle", nargs="?", metavar="BUNDLE", help="the file; - is the standard input")
    parser.add_argument("--genesis", help="id of block 0, from somebody you trust")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.add_argument("--batch", action="store_true", help="one bundle a line, one report a line")
    given = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if given.batch:
        if given.bundle or given.genesis or given.json:
            parser.error("--batch reads everything from the standard input")
        return batch(sys.stdin.buffer, sys.stdout) or VERIFIED
    if given.bundle is None:
        parser.error("which bundle? give its file, and --genesis sha256:…")
    if given.genesis is None:
        parser.error("--genesis sha256:… is missing: without a digest to trust nothing can be decided")
    try:
        stream = sys.stdin.buffer if given.bundle == "-" else open(given.bundle, "rb")
    except OSError as wrong:
        report = undecidable("the file cannot be read: %s" % wrong)
    else:
        with stream:
            report = verify(stream, given.genesis)
    if given.json:
        print(json.dumps(report))
    else:
        print_report(report, sys.stdout)
    return report["exit"]


if __name__ == "__main__":
    sys.exit(main())
