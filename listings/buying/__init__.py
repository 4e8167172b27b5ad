"""Buying: one listing or several at once, from the request to the commit.

A purchase is read in this order, each file once:

- listings/buying/api.py: the request becomes a Purchase
- listings/buying/purchase.py: once for each idempotency key
- listings/buying/place.py: together with those of other threads
- listings/buying/sql/place_orders.sql: stock, order and outbox row, in one transaction
- microstore/messaging/sending/relay.py: the outbox row becomes a message on the broker
- transactions/tasks.py: `order_created`, answered with `item_sold` or `order_rejected`
- transactions/recording.py: the transaction, once for each order
- listings/tasks.py: `item_sold`
- listings/settling/complete.py: the order is completed
- listings/live/push.py: the event goes to the channel layer
- listings/websockets/hub.py: the event goes to the browsers

`sql/order_created.sql` is the message; `fast_path.py` answers the plain case of api.py before Django;
`group_commit.py` is how place.py gets purchases of other threads; `checkout.py` and `checkout_api.py` buy
several listings, all or none.
"""
