#!/bin/sh
# Installs the Debian packages that tests need beside Python: pages of the documentation are typed with curl and
# jq, kubectl says what it makes of the Kubernetes base, a C compiler builds what goes before a server that is to
# lose power, or whose clock is to jump, and nginx serves the shop of the benchmarks, with a certificate of openssl's.
set -eu

missing=''
for tool in curl jq; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
command -v kubectl >/dev/null 2>&1 || missing="$missing kubernetes-client"
command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ -n "$missing" ] || exit 0

sudo=''; [ "$(id -u)" = 0 ] || sudo=sudo
printf 'setup: installing%s (Debian packages)\n' "$missing"
# shellcheck disable=SC2086 # names, one word each
{ $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing; } >/dev/null \
    || { printf 'setup: tests need%s; run: apt-get install%s\n' "$missing" "$missing" >&2; exit 2; }
