// Validate an AsyncAPI document: print each fault and exit with 1 where there is any.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf8"));
const faults = diagnostics.filter((each) => each.severity <= 1); // errors and warnings
for (const each of faults) console.error(`${each.path.join(".")}: ${each.message} (${each.code})`);
if (!document || faults.length) process.exit(1);
console.log(`AsyncAPI ${document.version()}: ${document.messages().length} messages are valid.`);
