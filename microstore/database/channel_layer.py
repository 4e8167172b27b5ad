"""Channel layer whose connection to Redis is found again after its packets were dropped."""

from typing import Any

import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.asyncio.connection import Connection, SSLConnection, parse_url


class ChannelLayer(RedisPubSubChannelLayer):
    """The pub/sub layer of channels_redis, with connections that report a silent Redis as lost."""

    def __init__(self, *, hosts: list[dict[str, Any]], **options: Any) -> None:
        super().__init__(hosts=[_with_own_connection(host) for host in hosts], **options)


class _Noticing:
    async def _read_response_from_parser(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super()._read_response_from_parser(*arguments, **options)  # type: ignore[misc]  # a mixin
        except TimeoutError as error:
            # The kernel has given the connection up (ETIMEDOUT). The client takes that for its own time
            # limit, "no message yet", and reads again at once, for ever, while nothing else runs.
            raise redis.ConnectionError(f"Redis is silent: {error}") from error


class _TcpConnection(_Noticing, Connection):
    pass


class _TlsConnection(_Noticing, SSLConnection):
    pass


def _with_own_connection(host: dict[str, Any]) -> dict[str, Any]:
    """Return the host with its URL taken apart: of a URL the client would choose the class itself."""
    options: dict[str, Any] = {**host}
    options |= parse_url(options.pop("address"))
    own = {Connection: _TcpConnection, SSLConnection: _TlsConnection}
    kind = options.get("connection_class", Connection)
    return {**options, "connection_class": own.get(kind, kind)}
