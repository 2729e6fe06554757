#!/usr/bin/env python3
"""Stripe on this machine: localstripe as it is published, on 127.0.0.1 only.

    stripe.py --port 0

localstripe's own command listens on every address of the machine, and writes all it holds to a fixed file
in /tmp after each change. Here it does neither. Prints `ready http://127.0.0.1:PORT` once it answers; port 0
takes a free one. Stops on SIGTERM or SIGINT, and when standard input ends: the parent died.

What it lacks compared to Stripe is added in front of it by shared/local/src/stripe.rs.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading


def listen(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("127.0.0.1", port))
    except OSError as error:
        sys.exit(f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}): stop what holds it or choose another.")
    server.listen(128)
    return server


async def serve(server):
    try:
        from aiohttp import web
        from localstripe.resources import store
        from localstripe.server import app
    except ImportError:
        sys.exit("localstripe is not installed for this Python: run `make setup`, then use .venv/bin/python.")
    store.dump_to_disk = lambda: None

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    def wait_for_parent():
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_parent, daemon=True).start()

    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, server, shutdown_timeout=0.5).start()
    print(f"ready http://127.0.0.1:{server.getsockname()[1]}", flush=True)
    await stop.wait()
    await runner.cleanup()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True, help="0 for a free one")
    asyncio.run(serve(listen(parser.parse_args().port)))


if __name__ == "__main__":
    main()
