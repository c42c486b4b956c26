// @ts-check
// What script adds to a page that is complete without it.
import { live } from "./live.js";
import { charts } from "./charts.js";
import { tables } from "./tables.js";
import { keys } from "./keys.js";

const stream = live(document);
charts(document);
tables(document);
keys(document, stream);
