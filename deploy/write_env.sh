#!/bin/sh
# Write .env with keys of your own, which docker-compose.yml reads. One that exists is left alone.
set -eu
umask 077 # readable by its owner alone
set -C    # never over a file that somebody else made meanwhile
[ ! -e .env ] || { echo ".env exists already"; exit 0; }
private=$(openssl genrsa 2048 2>/dev/null)
public=$(printf '%s\n' "$private" | openssl rsa -pubout 2>/dev/null)
{
    for name in SECRET_KEY STAFF_KEY; do
        echo "$name='$(openssl rand -hex 32)'"
    done
    echo "FLOWER_BASIC_AUTH='flower:$(openssl rand -hex 16)'"
    echo "JWT_PRIVATE_KEY='$private'"
    echo "JWT_PUBLIC_KEY='$public'"
} > .env
echo "wrote .env"
