// Send a batch of events as a Celery command by celery-node: JSON on standard input with broker, task, queue, events.
import { text } from "node:stream/consumers";
import { createClient } from "celery-node";

const { broker, task, queue, events } = JSON.parse(await text(process.stdin));
const client = createClient(broker, "", "listener.javascript");
const channel = await (await client.broker.connect).createConfirmChannel();

// celery-node declares the queue that it publishes to without its arguments, which RabbitMQ refuses (406).
client.broker.publish = (body, exchange, routingKey, headers, properties) =>
  channel.publish("microstore.tasks", `task.${queue}`, Buffer.from(JSON.stringify(body)), {
    contentType: "application/json",
    contentEncoding: "utf-8",
    deliveryMode: 2,
    mandatory: true,
    headers,
    ...properties,
  });
channel.on("return", () => console.error("no queue") || process.exit(1));
const message = client.createTaskMessage(crypto.randomUUID(), task, [events], {});
client.broker.publish(message.body, "", "", message.headers, message.properties);
await channel.waitForConfirms();
process.exit(0);
