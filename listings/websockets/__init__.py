"""The live feed as browsers receive it: the WebSocket process."""
