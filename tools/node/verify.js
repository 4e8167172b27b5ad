// Verify webhooks by the official library: JSON on standard input with a secret and requests; their types on standard output.
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const { secret, requests } = JSON.parse(await text(process.stdin));
const webhook = new Webhook(secret);
console.log(JSON.stringify(requests.map(({ headers, body }) => webhook.verify(body, headers).type)));
