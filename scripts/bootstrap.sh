#!/bin/sh
# Builds the virtual environment from the hash-pinned lock. Run by make; reads PYTHON and VENV.
set -eu

python=${PYTHON:-python3}
venv=${VENV:-.venv}

fail() { printf 'setup: %s\n' "$1" >&2; exit 2; }

command -v "$python" >/dev/null 2>&1 || fail "no '$python' here; install Python >= 3.11 (apt-get install python3) or set PYTHON="
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || fail "'$python' is $("$python" -V 2>&1); Crawlery needs Python >= 3.11 (set PYTHON=python3.11)"

# Debian and Ubuntu ship venv apart from Python.
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    sudo=''; [ "$(id -u)" = 0 ] || sudo=sudo
    printf 'setup: installing python%s-venv (Debian package)\n' "$version"
    { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "python$version-venv"; } >/dev/null \
        || fail "this Python has no venv module; run: apt-get install python$version-venv"
fi

# A stale or half-built environment is cheaper to rebuild than to repair.
if [ -d "$venv" ] && ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then rm -rf "$venv"; fi
[ -d "$venv" ] || "$python" -m venv "$venv"

printf 'setup: installing the locked dependencies into %s\n' "$venv"
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet --no-input"
$pip install --require-hashes --no-deps --only-binary :all: -r requirements.lock
$pip install --no-deps --no-build-isolation --editable .
