#!/bin/sh
# Makes the secrets of docker-compose.yml in ./secrets (or in the folder that is named), once: what is there stays.
set -eu

folder=${1:-secrets}
umask 077
mkdir -p "$folder"
# Compose shows files to containers as they are, and those are other users than you: the files are readable, and it is
# the folder that keeps everybody else on this machine out.
chmod 700 "$folder"
# What recipes log in with: sites/CLIENT/NAME, written by you. Only nodes are shown it.
mkdir -p "$folder/sites/local"
chmod 755 "$folder/sites" "$folder/sites/local"

random() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }

put() {
    [ ! -e "$folder/$1" ] || return 0
    cat > "$folder/$1.new"
    chmod 444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    printf 'made %s\n' "$folder/$1"
}

random 32 | put store_password
printf 'redis://:%s@store:6379/0' "$(cat "$folder/store_password")" | put redis_url
random 24 | put scrapyd_password
random 32 | put metrics_token
random 32 | put audit_key
printf '1:%s' "$(random 32)" | put api_key_peppers
if [ ! -e "$folder/storage_keys" ]; then
    key=$(random 10) secret=$(random 32) signing=$(random 32)
    put storage_keys <<EOF
AWS_ACCESS_KEY_ID=$key
AWS_SECRET_ACCESS_KEY=$secret
WEED_S3_SSE_KEK=$(random 32)
WEED_JWT_SIGNING_KEY=$signing
WEED_JWT_SIGNING_READ_KEY=$signing
WEED_JWT_FILER_SIGNING_KEY=$signing
WEED_JWT_FILER_SIGNING_READ_KEY=$signing
EOF
fi
key=$(sed -n 's/^AWS_ACCESS_KEY_ID=//p' "$folder/storage_keys")
secret=$(sed -n 's/^AWS_SECRET_ACCESS_KEY=//p' "$folder/storage_keys")
put aws_credentials <<EOF
[default]
aws_access_key_id = $key
aws_secret_access_key = $secret
EOF
