#!/usr/bin/env python3
"""`make stage`: the stack as `sam deploy` would put it on AWS, on an emulated account on this machine.

    stage.py                   build, deploy, run the journeys of a sale and of people, show that IAM is enforced
    stage.py --lint            check the templates, nothing else
    stage.py --keep            then leave the account running until Ctrl-C
    stage.py --journey 'CMD'   run another command against the deployed stack

Run it with .venv/bin/python. Logs stay in target/stage/.
"""

import argparse
import contextlib
import json
import os
import platform
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

try:
    import boto3
    from deploy_web import publish_keys, stack_outputs, upload_web
except ImportError:
    sys.exit("Run this with .venv/bin/python, which `make setup` makes.")

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / "target/stage"
TOOLS = ROOT / ".venv/bin"
SAM = ROOT / ".venv/sam/bin/sam"
STACK = "stampede"
JOURNEY = "cargo nextest run --workspace --test journeys sale::sale accounts::account people::"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())


class Failed(Exception):
    """Something did not work; the message says what, and the logs named have more."""

    def __init__(self, message, *logs):
        super().__init__(message)
        self.logs = logs


# Steps --------------------------------------------------------------------------------------------


class Steps:
    """Says what goes on and how long it took."""

    def __init__(self):
        self.started = time.monotonic()
        self.times = []

    @contextlib.contextmanager
    def step(self, title):
        print(f"{title} …", flush=True)
        started = time.monotonic()
        yield
        self.times.append((title, time.monotonic() - started))

    def run(self, title, command, environment, log):
        """A command whose output goes to target/stage/NAME.log, and its last line here every ten seconds."""
        path = STAGE / f"{log}.log"
        with self.step(title), path.open("w") as output:
            started = time.monotonic()
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
            try:
                while True:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        code = process.wait(10)
                        break
                    print(f"  {time.monotonic() - started:.0f} s {tail(path, lines=1).strip():.100}", flush=True)
            finally:
                stop(process)
        if code:
            raise Failed(f"`{shlex.join(map(str, command))}` failed with exit code {code}.", path)

    def summary(self):
        lines = [f"  {seconds:7.1f} s  {title}" for title, seconds in self.times]
        return "\n".join([*lines, f"  {time.monotonic() - self.started:7.1f} s  in all"])


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tail(path, lines=30):
    text = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(f"  | {line}" for line in text[-lines:])


# Surroundings -------------------------------------------------------------------------------------


def check_tools():
    missing = [path for path in (TOOLS / "cargo-lambda", SAM) if not path.exists()]
    if missing or not shutil.which("cargo"):
        raise Failed("The tools are not all there: run `make setup` first.")
    if platform.system() != "Linux" or not ARCHITECTURE:
        raise Failed("The functions' own Linux binaries are run here, so this needs Linux on x86-64 or arm64.")


def tool_environment():
    """Tools from .venv, nothing of a real AWS account, and no calls home from SAM."""
    # What is deployed is compiled as on a laptop: Clippy, which compiles in rustc's place in CI, leaves out the
    # optimizations of MIR, and cargo-lambda leaves out the instructions of Lambda's processors if flags are set.
    excluded = ("AWS_", "SAM_", "RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(excluded)}
    home = STAGE / "sam-home"
    home.mkdir(parents=True, exist_ok=True)
    known = {"telemetryEnabled": False, "lastVersionCheck": time.time()}
    (home / "metadata.json").write_text(json.dumps(known))
    return environment | {
        "PATH": f"{TOOLS}{os.pathsep}{environment['PATH']}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
        "__SAM_CLI_APP_DIR": str(home),
    }


class Account:
    """The emulated AWS account: an emulator of its own, with IAM enforced."""

    def __init__(self):
        self.log = STAGE / "emulator.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("emulator.py"), "--port=0", "--cdn-port=0", "--auth"]
                + ["--exit-with-stdin", "--log-level=INFO"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        ready = self.process.stdout.readline().split()
        if ready[:1] != ["ready"]:
            stop(self.process)
            raise Failed("The emulator did not start.", self.log)
        _, self.endpoint, self.shop = ready

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def save_function_logs(self):
        """What the functions wrote, in order of time, without Lambda's own lines."""
        logs, events = self.client("logs"), []
        for group in logs.describe_log_groups(logGroupNamePrefix=f"/{STACK}/")["logGroups"]:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                events += [event | {"group": group["logGroupName"]} for event in page["events"]]
        path = STAGE / "functions.log"
        with path.open("w") as file:
            for event in sorted(events, key=lambda event: event["timestamp"]):
                if not event["message"].startswith(("START ", "END ", "REPORT ")):
                    print(event["group"], event["message"].rstrip(), file=file)
        return path


# The stages ---------------------------------------------------------------------------------------


def lint(steps):
    environment = tool_environment()
    validate = [SAM, "validate", "--lint", "--template", "template.yaml"]
    steps.run("sam validate --lint", validate, environment, "validate")
    nested = [*(ROOT / "infra").glob("*.yaml"), *(ROOT / "functions").glob("*/template.yaml")]
    templates = sorted(path.relative_to(ROOT) for path in nested)
    steps.run("cfn-lint", [TOOLS / "cfn-lint", "template.yaml", *templates], environment, "cfn-lint")


def staff_credentials(environment):
    """The public key to deploy and a token to call with."""

    def xtask(command):
        done = subprocess.run(
            [ROOT / "target/debug/xtask", command, "--dir", STAGE],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Failed(f"`xtask {command}` failed:\n{done.stderr.strip()}")
        return done.stdout.strip()

    return xtask("staff-key"), xtask("staff-token")


def build(steps, environment):
    # All at once, so that the call of cargo that SAM makes for each function has nothing left to compile.
    command = ["cargo", "lambda", "build", "--release", "--bins"]
    if ARCHITECTURE == "arm64":
        command.append("--arm64")  # as SAM calls it
    steps.run("Compiling the functions", command, environment, "cargo")
    command = [SAM, "build", "--beta-features", "--build-in-source", "--build-dir", STAGE / "build"]
    parameters = ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    steps.run("sam build", [*command, *parameters], environment, "sam-build")


def deploy(steps, environment, public_key):
    parameters = {
        "Architecture": ARCHITECTURE,
        "RetainTable": "false",
        "PaymentMethods": "test",
        "OriginSecret": secrets.token_hex(32),
        "StaffTokenPublicKey": public_key,
        "LogRetentionDays": "1",
        "Release": "stage",
        # What is more to deploy; the API answers the same reads all the same.
        "CatalogOrigin": "function-url",
    }
    command = [SAM, "deploy", "--template-file", STAGE / "build/template.yaml", "--stack-name", STACK, "--resolve-s3"]
    command += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-confirm-changeset"]
    command += ["--no-progressbar", "--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    steps.run("sam deploy", command, environment, "sam-deploy")


def addresses(account, outputs, token):
    """What the journeys are told of the deployed stack."""
    api = outputs["ApiUrl"].removeprefix("https://").partition(".")[0]
    return {
        "SHOP_URL": account.shop,
        "API_URL": f"{account.endpoint}/_aws/execute-api/{api}/$default",
        "MAILS_URL": f"{account.endpoint}/_ministack/ses/messages",
        "STAFF_TOKEN": token,
    }


def physical_id(account, stack, name):
    """The name that CloudFormation has given to a resource of a stack."""
    stacks = account.client("cloudformation")
    found = stacks.describe_stack_resource(StackName=stack, LogicalResourceId=name)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def create_cart(account, circumstances, expected):
    """Creates a cart, whose status must be an expected one."""
    request = urllib.request.Request(f"{account.shop}/v1/carts", data=b"{}", method="POST")
    request.add_header("content-type", "application/json")
    try:
        status = urllib.request.urlopen(request, timeout=30).status
    except urllib.error.HTTPError as error:
        status = error.code
    if not expected(status):
        raise Failed(f"POST /v1/carts {circumstances} answered {status}.", account.log)


def invoke(account, stack, name, event):
    """What a function without a route answers."""
    function = physical_id(account, physical_id(account, STACK, stack), name)
    answer = account.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    text = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        raise Failed(f"{name} failed: {text}", account.log)
    return text


def invite_owner_and_anchor_trail(account, token):
    """An operator invites an owner, and the trail is anchored: the second time, and in a verification, against the anchors of before."""
    email = "owner@example.com"
    invited = invoke(account, "Staff", "InviteOwner", {"email": email})
    if json.loads(invited)["email"] != email:
        raise Failed(f"InviteOwner answered {invited}.", account.log)
    for _ in range(2):
        invoke(account, "Operations", "AnchorAudit", {})
    for chain in range(16):
        body = json.dumps({"chain": chain}).encode()
        request = urllib.request.Request(f"{account.shop}/v1/admin/audit/verifications", data=body, method="POST")
        request.add_header("content-type", "application/json")
        request.add_header("authorization", f"Bearer {token}")
        try:
            verified = json.load(urllib.request.urlopen(request, timeout=30))
        except urllib.error.HTTPError as error:
            raise Failed(f"The verification of chain {chain} answered {error.code}.", account.log) from error
        if verified["fault"] or not verified["complete"]:
            raise Failed(f"Chain {chain} of the audit trail is not in order: {verified}.", account.log)


def show_that_iam_is_enforced(account):
    """Without its policy a function must fail; if it does not, the journey has proven nothing about permissions."""
    iam = account.client("iam")
    role = physical_id(account, physical_id(account, STACK, "Cart"), "CreateCartRole")
    name = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    create_cart(account, "with its policy", lambda status: status < 300)
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    create_cart(account, "without its policy", lambda status: status >= 500)
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    create_cart(account, "with its policy put back", lambda status: status < 300)


def show_that_the_alias_is_called(account):
    """A function of the sale path that is deployed takes no traffic before its alias names the version."""
    functions = account.client("lambda")
    name = physical_id(account, physical_id(account, STACK, "Cart"), "CreateCart")
    if functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "$LATEST":
        raise Failed("The alias of CreateCart names no version.", account.log)
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def configure(variables):
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    configure(variables | {"TABLE_NAME": "no-such-table"})
    create_cart(account, "with a broken function behind its alias", lambda status: status < 300)
    configure(variables)


def show_that_the_cdn_reads_functions(account):
    """The catalogue comes from the functions' own URLs, which nobody else may call."""

    def get(url):
        try:
            answer = urllib.request.urlopen(url, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers

    for path, expected in [("/v1/products", 200), ("/v1/products/no-such-product", 404)]:
        status, headers = get(f"{account.shop}{path}")
        if status != expected or "x-amzn-requestid" not in headers:
            raise Failed(f"GET {path} answered {status}, and not from a function's URL.", account.log)
    status, headers = get(f"{account.shop}/v1/carts/none")
    if "x-amzn-requestid" in headers:
        raise Failed(f"GET /v1/carts answered {status}, and not from the API.", account.log)
    functions = account.client("lambda")
    for function in functions.list_functions()["Functions"]:
        for config in functions.list_function_url_configs(FunctionName=function["FunctionName"])["FunctionUrlConfigs"]:
            host = config["FunctionUrl"].split("/")[2]
            status, _ = get(f"{account.endpoint}/_aws/lambda-url/{host.partition('.')[0]}/v1/products")
            if status != 403:
                raise Failed(f"{function['FunctionName']}'s URL answered {status} to a stranger.", account.log)


def stage(steps, arguments):
    check_tools()
    environment = tool_environment()
    with steps.step("Staff key"):
        public_key, token = staff_credentials(environment)
    build(steps, environment)
    with steps.step("Starting the account"):
        account = Account()
    try:
        environment["AWS_ENDPOINT_URL"] = account.endpoint
        deploy(steps, environment, public_key)
        outputs = stack_outputs(account.client("cloudformation"), STACK)
        with steps.step("Uploading the pages"):
            upload_web(account.client("s3"), outputs["WebBucketName"])
            publish_keys(account.client("lambda"), outputs["RotateKeysName"])
        told = addresses(account, outputs, token)
        # As the tests were built, or all of them would be built again.
        told |= {name: os.environ[name] for name in ("RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS") if name in os.environ}
        try:
            steps.run("The journeys of a sale and of people", shlex.split(arguments.journey), environment | told, "journey")
            with steps.step("Inviting an owner and anchoring the audit trail"):
                invite_owner_and_anchor_trail(account, token)
            with steps.step("Showing that the CDN reads the catalogue from functions"):
                show_that_the_cdn_reads_functions(account)
            with steps.step("Showing that the API calls aliases"):
                show_that_the_alias_is_called(account)
            with steps.step("Showing that IAM is enforced"):
                show_that_iam_is_enforced(account)
        except Failed as failure:
            failure.logs += (account.save_function_logs(),)
            raise
        if arguments.keep:
            print("\nAll passed. The account runs until Ctrl-C:")
            print(*(f"  {name}={value}" for name, value in told.items()), sep="\n", flush=True)
            signal.pause()
    finally:
        stop(account.process)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lint", action="store_true", help="only check the templates")
    parser.add_argument("--keep", action="store_true", help="leave the account running until Ctrl-C")
    parser.add_argument("--journey", default=JOURNEY, metavar="CMD", help=f"what to run against the stack ({JOURNEY})")
    arguments = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    STAGE.mkdir(parents=True, exist_ok=True)
    steps = Steps()
    try:
        lint(steps) if arguments.lint else stage(steps, arguments)
    except Failed as failure:
        for log in failure.logs:
            if end := tail(log):
                print(f"\nEnd of {log.relative_to(ROOT)}:\n{end}", file=sys.stderr)
        print(f"\nstage failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 0 if arguments.keep else 130
    print(f"\nAll passed:\n{steps.summary()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
