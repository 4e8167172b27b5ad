#!/bin/sh
# Write .env with passwords and keys of your own, which docker-compose.yml reads. One that exists is left alone.
set -eu
umask 077 # readable by its owner alone
set -C    # never over a file that somebody else made meanwhile
[ ! -e .env ] || { echo ".env exists already"; exit 0; }
private=$(openssl genrsa 2048 2>/dev/null)
public=$(printf '%s\n' "$private" | openssl rsa -pubout 2>/dev/null)
# The last 32 bytes of either half are the key itself (RFC 8410).
details=$(openssl genpkey -algorithm X25519)
details_private=$(printf '%s\n' "$details" | openssl pkey -outform DER | tail -c 32 | openssl base64)
details_public=$(printf '%s\n' "$details" | openssl pkey -pubout -outform DER | tail -c 32 | openssl base64)
{
    for name in \
        LISTINGS_SECRET_KEY TRANSACTIONS_SECRET_KEY STAFF_KEY FEES_SIGNING_KEY PAYOUTS_SIGNING_KEY REDIS_PASSWORD \
        LISTINGS_DB_OWNER_PASSWORD LISTINGS_DB_APP_PASSWORD LISTINGS_DB_READER_PASSWORD NOTIFICATIONS_DB_PASSWORD \
        WEBHOOKS_DB_PASSWORD \
        TRANSACTIONS_DB_OWNER_PASSWORD TRANSACTIONS_DB_APP_PASSWORD TRANSACTIONS_DB_READER_PASSWORD \
        BROKER_ADMIN_PASSWORD BROKER_LISTINGS_PASSWORD BROKER_NOTIFICATIONS_PASSWORD BROKER_WEBHOOKS_PASSWORD \
        BROKER_TRANSACTIONS_PASSWORD BROKER_FLOWER_PASSWORD BROKER_LISTENER_PASSWORD; do
        echo "$name='$(openssl rand -hex 32)'"
    done
    echo "FLOWER_BASIC_AUTH='flower:$(openssl rand -hex 16)'"
    echo "BANK_DETAILS_PRIVATE_KEYS='$details_private'"
    echo "BANK_DETAILS_PUBLIC_KEY='$details_public'"
    echo "JWT_PRIVATE_KEY='$private'"
    echo "JWT_PUBLIC_KEY='$public'"
} > .env
echo "wrote .env"
