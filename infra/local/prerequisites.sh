#!/usr/bin/env bash
# Says which programs the tests need and this machine lacks, and how to get them. SKIP_MISSING=1 goes on without
# those that only some tests need; the tests then skipped are named here, so that none looks passed.
set -euo pipefail

missing=0
lacks() { # name, what for, how to get it
  echo "missing: $1, for $2. Get it with: $3" >&2
  missing=1
}
has() { command -v "$1" >/dev/null 2>&1; }

has cargo || lacks "cargo" "everything" "https://rustup.rs"
has python3 || lacks "python3" "the emulators" "sudo apt install python3 python3-venv"
has npm || lacks "npm" "the TypeScript client and the browser test" "sudo apt install npm (Node.js 20 or later)"
has jq || lacks "jq" "the README's walk" "sudo apt install jq"
has curl || lacks "curl" "the README's walk" "sudo apt install curl"
if [ "$missing" = 1 ]; then
  echo "install them and run the command again" >&2
  exit 1
fi

has chromium || has google-chrome || has chromium-browser || [ -x /usr/bin/chromium ] \
  || lacks "Chromium" "the pages' test in a real browser" "sudo apt install chromium"
has redis-server || has valkey-server \
  || lacks "redis-server" "the shared cache's test" "sudo apt install redis-server"
if [ "$missing" = 1 ]; then
  if [ "${SKIP_MISSING:-0}" != 1 ]; then
    echo "install them, or run with SKIP_MISSING=1 to leave out the tests that need them" >&2
    exit 1
  fi
  echo "going on without: the tests named above are SKIPPED, not passed" >&2
fi
