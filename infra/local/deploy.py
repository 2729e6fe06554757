#!/usr/bin/env python3
"""`make deploy`, after `sam build`: deploys the stack under a name that differs if anything does.

    deploy.py [NAME=VALUE …]   with parameters of template.yaml, beside those of samconfig.toml; by make, a value with
                               spaces is in quotes twice: make deploy PARAMETERS='SellerName="Long Meadow"'
    deploy.py --dry-run        prints the command

Functions on the sale path are called by an alias, whose version has the code and the variables of its time. SAM publishes a
version for new code, but not for a new value of a parameter: it decides before CloudFormation knows the values. So the
parameter Release names the deployment, by a hash of the build and of the parameters, and a version is published for each
new name (docs/adr/0027). With `sam deploy` alone, a changed parameter does not reach these functions.
"""

import argparse
import hashlib
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def configured(path):
    """The parameters in samconfig.toml, a text or a list of texts, as SAM reads them: a value with spaces is in quotes."""
    if not path.exists():
        return []
    parameters = tomllib.loads(path.read_text()).get("default", {}).get("deploy", {}).get("parameters", {})
    overrides = parameters.get("parameter_overrides", [])
    texts = [overrides] if isinstance(overrides, str) else overrides
    return [part for text in texts for part in shlex.split(text)]


def merged(*lists):
    """Parameters by name; later ones win."""
    parameters = {}
    for part in (part for parts in lists for part in parts):
        name, is_pair, value = part.partition("=")
        if not is_pair or not name.isalnum():
            sys.exit(f"{part!r} is not a parameter: NAME=VALUE")
        parameters[name] = value
    parameters.pop("Release", None)
    return parameters


def quoted(value):
    """A value for SAM, which splits each argument again: without quotes, it ends at its first space, or is none if it is empty."""
    return '"' + value.replace('"', '\\"') + '"'


def release(build, parameters):
    """Name of the deployment: as long as it is the same, so are the functions."""
    digest = hashlib.sha256()
    for path in sorted(path for path in build.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(build)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for name, value in sorted(parameters.items()):
        digest.update(f"{name}={value}\0".encode())
    return digest.hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="parameters of template.yaml")
    parser.add_argument("--build-dir", type=Path, default=ROOT / ".aws-sam/build", help="output of `sam build`")
    parser.add_argument("--config", type=Path, default=ROOT / "samconfig.toml", help="samconfig.toml")
    parser.add_argument("--dry-run", action="store_true", help="only print the command")
    arguments = parser.parse_args()

    if not (arguments.build_dir / "template.yaml").exists():
        sys.exit(f"{arguments.build_dir} has no template.yaml: run `sam build` first")
    parameters = merged(configured(arguments.config), arguments.parameters)
    parameters["Release"] = release(arguments.build_dir, parameters)
    command = [ROOT / ".venv/sam/bin/sam", "deploy", "--parameter-overrides"]
    command += [f"{name}={quoted(value)}" for name, value in parameters.items()]
    if arguments.dry_run:
        print(shlex.join(map(str, command)))
        return 0
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
