"""Lock files: compile them from pyproject.toml, and check offline that they are fresh.

python -m local.locks            compile (needs a network)
python -m local.locks --check    are they what pyproject.toml asks for, hashed, and free of registry addresses?
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Lock file and what it is compiled with besides pyproject.toml. The second agrees with the first on every version.
LOCKS = {
    "requirements.txt": (),
    "requirements-dev.txt": ("--group", "dev", "--constraints", "requirements.txt"),
}
#: A line of a lock file that a person may write: comments, pins, hashes, and who needs it.
LINE = re.compile(r"#.*|    # .*|[a-z0-9._-]+(\[[a-z,-]+\])?==\S+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|")
ADDRESS = re.compile(r"https?://|file:")


def asked() -> str:
    """Digest of what pyproject.toml asks for; stands at the foot of each lock file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [project["project"]["requires-python"], project["project"]["dependencies"], project["dependency-groups"]]
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def compile_locks() -> None:
    """Compile both files, and note what they were compiled from."""
    for name, options in LOCKS.items():
        command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *options, "--output-file", name]
        command += ["--universal", "--python-version", "3.13", "--generate-hashes", "--quiet"]
        command += ["--custom-compile-command", "make lock"]
        subprocess.run(command, cwd=ROOT, check=True)
        with (ROOT / name).open("a") as file:
            file.write(f"# compiled from pyproject.toml {asked()}\n")
        print(f"{name}: compiled")


def problems() -> list[str]:
    """Return what is wrong with the lock files, each with the remedy."""
    found = []
    for name in LOCKS:
        text = (ROOT / name).read_text()
        if not text.endswith(f"# compiled from pyproject.toml {asked()}\n"):
            found.append(f"{name} is not what pyproject.toml asks for: run `make lock`")
        found += [
            f"{name}:{number}: no pin, hash or comment: run `make lock`"
            for number, line in enumerate(text.splitlines(), start=1)
            if not LINE.fullmatch(line)
        ]
    for name in (*LOCKS, "package-lock.json"):
        text = (ROOT / name).read_text()
        resolved = ADDRESS.search(text) if name.endswith(".txt") else re.search(r'"resolved":', text)
        if resolved:
            found.append(f"{name} holds a registry address: it must come from the user's own configuration")
    return found


def main(arguments: list[str]) -> int:
    """Return 0, or 1 when a lock file is stale."""
    if arguments != ["--check"]:
        compile_locks()
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
