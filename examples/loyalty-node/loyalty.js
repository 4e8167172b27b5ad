// Points for completed orders: shares nothing with MicroStore but the name and the fields of a fact.
// `node loyalty.js` gives points, one for each whole unit paid; `node loyalty.js show` shows them.
import { DatabaseSync } from "node:sqlite";
import amqp from "amqplib";

const QUEUE = "listener.loyalty.points-node";
const database = new DatabaseSync(process.env.LOYALTY_DATABASE ?? "loyalty.sqlite3");
// By order: a fact comes at least once, and the second time it finds its row.
database.exec("CREATE TABLE IF NOT EXISTS points (order_id TEXT PRIMARY KEY, user_id INTEGER, points INTEGER)");
const insert = database.prepare("INSERT OR IGNORE INTO points VALUES (?, ?, ?)");

function givePoints(body) {
  const [[events]] = JSON.parse(body); // a Celery message: [[events], kwargs, embed]
  database.exec("BEGIN");
  try {
    for (const event of events) insert.run(event.order_id, event.buyer_id, Math.floor(event.total_cents / 100));
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

async function listen() {
  const connection = await amqp.connect(process.env.BROKER_URL);
  // The process ends with its connection: whoever started it starts it again.
  connection.on("close", () => process.exit(1));
  const channel = await connection.createChannel();
  await channel.assertQueue(QUEUE, { durable: true });
  await channel.bindQueue(QUEUE, "microstore.events", "order.completed");
  await channel.prefetch(10);
  await channel.consume(QUEUE, (message) => {
    try {
      givePoints(message.content);
      channel.ack(message); // after the commit: a process that dies before gets the fact again
    } catch (error) {
      console.error(`not handled: ${error}`);
      const isBroken = error instanceof SyntaxError || error instanceof TypeError;
      if (isBroken) channel.reject(message, false);
      else setTimeout(() => channel.reject(message, true), 1000); // nothing is wrong with the fact
    }
  });
  console.log("listening");
}

if (process.argv[2] === "show") {
  for (const row of database.prepare("SELECT user_id, sum(points) AS points FROM points GROUP BY user_id").all())
    console.log(`user ${row.user_id}: ${row.points} points`);
} else {
  await listen();
}
