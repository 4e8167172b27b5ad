"""PostgreSQL, RabbitMQ and Redis on this machine, whoever runs them."""
