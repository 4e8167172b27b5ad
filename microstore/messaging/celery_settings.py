"""Defaults of messaging, and of Celery wherever it runs. Every value is measured: see README.md."""

from microstore.database.timeouts import CONNECT_SECONDS, SOCKET

OUTBOX_BATCH = 200  # events in one Celery message, at most
MAX_ATTEMPTS = 5  # of an event that fails by itself
RETRY_DELAYS_SECONDS = [5, 30, 60]  # after the first, second, … of them; the last one is repeated
CONTROL_BROKER_URL = ""  # where a worker's remote control has a user of its own, and so a connection
HEARTBEAT_FILE = ""  # touched by a worker or relay while it does its work
METRICS_FOLDER, METRICS_HOST, METRICS_PORT = "", "127.0.0.1", 0  # 0: metrics are served nowhere
GAUGES = ["microstore.messaging.gauges.gauges"]  # dotted paths, read from the database at each scrape
MESSAGING_RECORD_DECISION = ""  # dotted path, called for each dead letter that is replayed or discarded
MESSAGING_FIND_DONE = ""  # dotted path, called for a preview of a replay

CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ROUTES = ["microstore.messaging.topology.route_task"]
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_ACKS_ON_FAILURE = False
CELERY_TASK_ACKS_ON_TIMEOUT = False
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 60, 90  # seconds
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 3, "interval_start": 0, "interval_step": 0.5}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_BROKER_HEARTBEAT = 10  # seconds
CELERY_BROKER_CONNECTION_TIMEOUT = CONNECT_SECONDS
# py-amqp's own options drop a connection after one second without an answer, and an idle one after 150.
# By kombu's default one host that is silent uses up the time for all of them, and no other is ever tried.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_settings": SOCKET, "connect_retries_timeout": 4 * CONNECT_SECONDS}
CELERY_BROKER_NATIVE_DELAYED_DELIVERY_QUEUE_TYPE = "quorum"
CELERY_WORKER_CONSUMER = "microstore.messaging.receiving.celery_worker:DeadLetteringConsumer"
CELERY_WORKER_POOL = "microstore.messaging.receiving.prefork_pool:TaskPool"
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 1_000_000
