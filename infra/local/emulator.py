#!/usr/bin/env python3
"""AWS on this machine: ministack with what it lacks mended (mends.py), on 127.0.0.1 only.

    emulator.py --port 0                       SQS, S3 and SES, for `make dev` and the tests
    emulator.py --port 0 --auth --cdn-port 0   an account to deploy to, for `make stage`

Prints `ready http://127.0.0.1:PORT` once it answers (with a second address, of the CloudFront
distribution, if there is --cdn-port); port 0 takes a free one. Stops on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import importlib.metadata
import logging
import os
import re
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path

# mends.py replaces private functions, so it fits this version and no other.
MINISTACK = "1.5.33"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True, help="port of the AWS APIs, 0 for a free one")
    parser.add_argument("--cdn-port", type=int, help="port that answers as the CloudFront distribution deployed here")
    parser.add_argument("--auth", action="store_true", help="check signatures and enforce each role's IAM policies")
    parser.add_argument("--state-dir", type=Path, help="keep objects and queues here from one run to the next")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends: the parent died")
    parser.add_argument("--log-level", default="WARNING", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    return parser.parse_args()


def check_version():
    try:
        found = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        sys.exit("ministack is not installed for this Python: run `make setup`, then use .venv/bin/python.")
    if found != MINISTACK:
        sys.exit(
            f"ministack {found} is installed, infra/local/mends.py is written for {MINISTACK}.\n"
            "Run `make setup` to get that one; to move to another, try `make stage` with it and change MINISTACK here."
        )


def listen(port):
    """Binds before anything is loaded: a taken port is told at once, and early callers wait in the queue."""
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("127.0.0.1", port))
    except OSError as error:
        sys.exit(f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}): stop what holds it or choose another.")
    server.listen(128)
    return server


def configure(arguments, port, scratch):
    """ministack takes its settings from the environment as it is imported; the functions it starts inherit them."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # whoever starts this may be logged in to a real account
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AUTH="true" if arguments.auth else "false",
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL=arguments.log_level,
        SFTP_ENABLED="0",
        TMPDIR=scratch,
    )
    tempfile.tempdir = scratch
    state = arguments.state_dir.resolve() if arguments.state_dir else Path(scratch)
    keep = "1" if arguments.state_dir else "0"
    os.environ.update(PERSIST_STATE=keep, STATE_DIR=str(state), S3_PERSIST=keep, S3_DATA_DIR=str(state / "s3"))


THIS_MACHINE = r"(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]+)?"


def reason_to_refuse(scope):
    """Without --auth everybody may read everything: a web page must not get here under a name of its own, by DNS
    rebinding, nor from its own origin, as ministack lets every origin read its answers. With it signatures decide,
    and distributions call under the names of their origins."""

    def values(header):
        return [value.decode("latin-1") for name, value in scope["headers"] if name == header]

    hosts = values(b"host")
    if len(hosts) != 1 or not re.fullmatch(THIS_MACHINE, hosts[0]):
        return 421, b"The header Host names another machine; use 127.0.0.1.\n"
    if any(not re.fullmatch("http://" + THIS_MACHINE, origin) for origin in values(b"origin")):
        return 403, b"Pages of other origins may not call this service.\n"
    return None


async def refuse(send, status, reason):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": reason})


def is_long_poll(scope):
    return any(value == b"AmazonSQS.ReceiveMessage" for name, value in scope["headers"] if name == b"x-amz-target")


async def unless_the_caller_leaves(app, scope, receive, send):
    """A poller that is gone gets no message, which would be invisible to the next one."""
    received = asyncio.Queue()
    answer = asyncio.ensure_future(app(scope, received.get, send))

    async def listen_to_caller():
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                answer.cancel()
            received.put_nowait(message)

    caller = asyncio.ensure_future(listen_to_caller())
    try:
        await asyncio.wait({answer})
    finally:
        caller.cancel()
    if not answer.cancelled():
        answer.result()


async def serve(arguments, api, cdn):
    import mends
    import ministack.app
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    mends.apply(ministack.app, auth=arguments.auth, keep_state=arguments.state_dir is not None)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    if arguments.exit_with_stdin:

        def wait_for_parent():
            while os.read(0, 4096):
                pass
            loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=wait_for_parent, daemon=True).start()

    addresses = [f"http://127.0.0.1:{server.getsockname()[1]}" for server in (api, cdn) if server]

    async def application(scope, receive, send):
        async def announce(message):
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                print("ready", *addresses, flush=True)

        if scope["type"] == "lifespan":
            return await ministack.app.app(scope, receive, announce)
        if not arguments.auth and (refusal := reason_to_refuse(scope)):
            return await refuse(send, *refusal)
        if cdn and scope["server"][1] == cdn.getsockname()[1]:
            scope = mends.as_viewer_of_the_distribution(scope)
        if is_long_poll(scope):
            return await unless_the_caller_leaves(ministack.app.app, scope, receive, send)
        await ministack.app.app(scope, receive, send)

    config = Config()
    config.bind = [f"fd://{server.fileno()}" for server in (api, cdn) if server]
    config.graceful_timeout = 0.5  # a long poll of a queue may still be open
    # Longer than any client keeps an idle connection: one that is closed while a request is on its way fails it.
    config.keep_alive_timeout = 3600
    config.loglevel = arguments.log_level
    await hypercorn_serve(application, config, shutdown_trigger=stop.wait)
    if runtime := sys.modules.get("ministack.core.lambda_runtime"):
        runtime.reset()  # stops the functions' processes


def main():
    arguments = parse_arguments()
    check_version()
    api = listen(arguments.port)
    cdn = listen(arguments.cdn_port) if arguments.cdn_port is not None else None
    with tempfile.TemporaryDirectory(prefix="stampede-emulator-") as scratch:
        configure(arguments, api.getsockname()[1], scratch)
        asyncio.run(serve(arguments, api, cdn))
    logging.shutdown()
    os._exit(0)  # threads of ministack's own would be waited for otherwise


if __name__ == "__main__":
    main()
