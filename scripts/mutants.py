#!/usr/bin/env python3
"""Mutation testing of the rule files with one build: docs/evidence/mutants.md.

The mutants are cargo-mutants' own (`--list --json`) and one more kind: a statement that only checks
or only notes something (`…?;`, `call.touch(…);`), or a last `require(…)`, left out. Every function
gets one arm per mutant and MUTANT chooses one when the tests run, so a mutant costs a run of the
tests, not a build. Mutants that do not compile are found by the compiler and left out.
Usage: scripts/mutants.py [PART_OF_NAME ... | @REPORT]; survivors are printed and make it fail;
@REPORT tries again what an earlier report lists.
"""
import collections, json, os, pathlib, re, subprocess, sys, threading, tomllib
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("MUTANTS_TARGET", ROOT / "target" / "mutation"))
COPY = TARGET / "copy"
TESTS = ["--test", "life", "--test", "rule_table", "--test", "behaviour"]
CARGO = ["cargo", "test", "--profile", "mutants", "-p", "mulu-contracts", "--lib", *TESTS, "--no-run"]
ENV = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
TIMEOUT_S = 120
# `Step` is an alias, and cargo-mutants knows how to skip a check only of functions it sees return a
# `Result`.
STEP = [(r"-> Step(?=[ ;])", "-> Result<(), crate::rejection::Stop>"),
        (r"-> Step<(.*)> \{$", r"-> Result<\1, crate::rejection::Stop> {")]
KEYWORD = re.compile(r"(let|return|if|for|match|while|else|use|const|fn|Ok|Err|Some|None)\b")
NOTES = re.compile(r"(call\.touch|call\.touched|self\.needed|touch_bound|overlay\.commit|overlay\.abort"
                   r"|self\.(pending|changes|events)\w*)\b")
SWITCH = """
/// The mutant that is on, 0 for none.
pub fn mutant() -> u32 {
    static ON: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *ON.get_or_init(|| std::env::var("MUTANT").ok().and_then(|n| n.parse().ok()).unwrap_or(0))
}
"""


def offset(text, place):
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[:place["line"] - 1]) + place["column"] - 1


def depth(code):
    code = re.sub(r'"(\\.|[^"\\])*"', "", code)
    code = re.sub(r"'.'", "", code)
    return sum(code.count(c) for c in "([{") - sum(code.count(c) for c in ")]}")


def statements(body, unit):
    """Spans in a function's body that can be left out, and what stands in their place."""
    lines = body.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        end = at
        code = lines[at]
        while depth(code) > 0 and not (code.rstrip().endswith("{") and depth(code) == 1 and KEYWORD.match(line)) \
                or (KEYWORD.match(line) and re.match(r"let|return", line) and not re.search(r"[;{]$", code.rstrip())):
            end += 1
            if end >= len(lines):
                return
            code += "\n" + lines[end]
        if re.match(r"[a-z*]", line) and not KEYWORD.match(line):
            whole = code.strip()
            span = (starts[at] + len(lines[at]) - len(lines[at].lstrip()), starts[end] + len(lines[end].rstrip()))
            if whole.endswith(";") and (whole.endswith("?;") or NOTES.match(whole)):
                yield span, ""
            elif unit and whole.endswith(")") and not any(l.strip() for l in lines[end + 1:]):
                yield span, "Ok(())"
        at = end + 1


def copy_and_list():
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, files):
        source, place = ROOT / name.decode(), COPY / name.decode()
        place.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_bytes()
        if name.startswith(b"contracts/src/") and not name.endswith(b"rejection.rs"):
            text = text.decode()
            for pattern, instead in STEP:
                text = re.sub(pattern, instead, text, flags=re.M)
            text = text.encode()
        if not place.exists() or place.read_bytes() != text:
            place.write_bytes(text)
    listed = subprocess.run(["cargo", "mutants", "-p", "mulu-contracts", "--list", "--json"], cwd=COPY,
                            capture_output=True, check=True).stdout
    return json.loads(listed)


def functions(listed):
    """Every function that has mutants: its text, the place of its body, and the mutants' edits."""
    by_function = collections.defaultdict(list)
    for mutant in listed:
        if mutant["function"]:
            by_function[(mutant["file"], json.dumps(mutant["function"]["span"], sort_keys=True))].append(mutant)
    spans = {key: json.loads(key[1]) for key in by_function}
    for key in sorted(by_function, key=lambda key: (key[0], spans[key]["start"]["line"])):
        file, mutants, span = key[0], by_function[key], spans[key]
        text = (COPY / file).read_text()
        start, end = offset(text, {**span["start"], "column": 1}), offset(text, span["end"])
        code = re.compile(r"^(?!\s*(///|#\[)).*?\bfn\s+\w+", re.M).search(text, start, end)
        opened = text.index("{", code.end())
        # A type that cannot be named, and a function whose calls are constants: not instrumented.
        if "impl " in text[code.end():opened] or mutants[0]["function"]["function_name"] == "text":
            continue
        body = text[opened + 1:end - 1]
        edits = []
        for mutant in mutants:
            edit = offset(text, mutant["span"]["start"]) - opened - 1, offset(text, mutant["span"]["end"]) - opened - 1
            edits.append((mutant["name"], edit, mutant["replacement"]))
        unit = "Result<(), crate::rejection::Stop>" in text[code.start():opened]
        for edit, instead in statements(body, unit):
            line = text.count("\n", 0, opened + 1 + edit[0]) + 1
            shown = " ".join(body[edit[0]:edit[1]].split())[:90]
            edits.append((f"{file}:{line}: leave out {shown}", edit, instead))
        yield file, code.start(), opened, end, body, edits


def instrument(found, left_out):
    names, texts, number = {}, {}, 0
    for file, begins, opened, end, body, edits in reversed(found):
        text = texts.get(file) or (COPY / file).read_text()
        arms = []
        for name, (first, last), instead in edits:
            number += 1
            names[number] = name
            if name not in left_out:
                arms.append(f"/*MUTANT {number}*/ {number} => {{ {body[:first]} {instead} {body[last:]} }}\n")
        arms.append(f"/*MUTANT 0*/ _ => {{ {body} }}\n")
        signature = text[begins:opened].replace("const fn", "fn")
        texts[file] = text[:begins] + signature + "{ match crate::mutant() {\n" + "".join(arms) + "} }" + text[end:]
    for file, text in texts.items():
        (COPY / file).write_text(text)
    lib = COPY / "contracts/src/lib.rs"
    lib.write_text(lib.read_text() + SWITCH)
    return names


def broken(names):
    """Builds; the mutants that do not compile, and the test programs."""
    built = subprocess.run([*CARGO, "--message-format=json"], cwd=COPY, env=ENV, capture_output=True, text=True)
    wrong, programs = set(), []
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable"):
            programs.append((message["executable"], message["manifest_path"]))
        report = message.get("message") or {}
        if message["reason"] == "compiler-message" and report["level"] == "error":
            for span in report["spans"]:
                if not span["is_primary"] or not (COPY / span["file_name"]).exists():
                    continue
                above = (COPY / span["file_name"]).read_text().split("\n")[:span["line_start"]]
                marks = re.findall(r"/\*MUTANT (\d+)\*/", "\n".join(above))
                if marks and marks[-1] != "0":
                    wrong.add(names[int(marks[-1])])
    if built.returncode and not wrong:
        sys.exit(built.stderr[-3000:])
    return wrong, programs


def survives(programs, number):
    """Runs the programs until a test fails."""
    env = {**ENV, "MUTANT": str(number), "RUST_BACKTRACE": "0"}
    for program, manifest in programs:
        run = subprocess.Popen([program, "--test-threads", "1"], cwd=os.path.dirname(manifest), env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        late = threading.Timer(TIMEOUT_S, run.kill)
        late.start()
        failed = any(line.rstrip().endswith("FAILED") for line in run.stdout)
        timeout = not late.is_alive()
        late.cancel()
        run.kill()
        if failed or timeout or run.wait() not in (0, -9):
            return "timeout" if timeout else "caught"
    return "missed"


def main():
    excluded = [re.compile(e) for e in
                tomllib.loads((ROOT / ".cargo/mutants.toml").read_text()).get("exclude_re", [])]
    wanted = sys.argv[1:]
    if wanted and wanted[0].startswith("@"):
        lines = pathlib.Path(wanted[0][1:]).read_text().splitlines()
        # Line numbers move when code above changes; what is mutated does not.
        wanted = [re.sub(r":\d+(:\d+)?: ", ": ", line.split(" ", 1)[1]) for line in lines if line.startswith(("MISSED", "TIMEOUT"))]
    left_out = set()
    while True:
        found = list(functions(copy_and_list()))
        names = instrument(found, left_out)
        wrong, programs = broken(names)
        print(f"{len(names)} mutants, {len(left_out | wrong)} do not compile", file=sys.stderr, flush=True)
        if not wrong:
            break
        left_out |= wrong
    # The quick ones first.
    order = ["life", "mulu_contracts", "rule_table", "behaviour"]
    programs.sort(key=lambda program: order.index(re.sub(r"-\w+$", "", os.path.basename(program[0]))))
    if survives(programs, 0) != "missed":
        sys.exit("the tests fail without a mutant")
    todo = [n for n, name in names.items() if name not in left_out
            and not any(e.search(name) for e in excluded) and (not wanted or any(w in name or w in re.sub(r":\d+(:\d+)?: ", ": ", name) for w in wanted))]
    verdicts = collections.Counter()
    with ThreadPoolExecutor(int(os.environ.get("JOBS", "1"))) as pool:
        for number, verdict in zip(todo, pool.map(lambda n: survives(programs, n), todo)):
            verdicts[verdict] += 1
            if verdicts.total() % 100 == 0:
                print(f"{verdicts.total()} of {len(todo)}", file=sys.stderr, flush=True)
            if verdict != "caught":
                print(f"{verdict.upper()} {names[number]}", flush=True)
    print(f"{len(names)} mutants: {len(left_out)} do not compile, {len(todo)} tested: "
          f"{verdicts['caught']} caught, {verdicts['timeout']} timeouts, {verdicts['missed']} missed", flush=True)
    sys.exit(1 if verdicts["missed"] else 0)


main()
