#!/bin/sh
# Stands before every command of the images: secrets come as files (NAME_FILE), and the commands read NAME. What the
# control API reads from files by itself is left to it.
set -eu

fail() { printf 'entrypoint: %s\n' "$1" >&2; exit 2; }

for name in REDIS_URL SCRAPYD_PASSWORD; do
    eval "file=\${${name}_FILE:-} value=\${${name}:-}" # the names are ours, two lines above
    [ -n "$file" ] || continue
    [ -z "$value" ] || fail "$name and ${name}_FILE are both set; one of them says it"
    [ -r "$file" ] || fail "${name}_FILE=$file cannot be read by the user $(id -u)"
    value=$(cat -- "$file")
    [ -n "$value" ] || fail "${name}_FILE=$file is empty"
    export "$name=$value"
    unset "${name}_FILE"
done

exec "$@"
