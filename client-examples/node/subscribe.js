#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Subscribes to the alert stream and appends one JSON object per alert to a file.
//
//     node subscribe.js --unix /run/falco/falco.sock --file alerts.jsonl
//     node subscribe.js --tls host:5060 --ca ca.crt --cert client.crt --key client.key --file alerts.jsonl
//
// Each line holds its alert's position, so the file is the cursor as well: after a crash, of this program or
// the server, it goes on exactly behind its last whole line.
"use strict";

const fs = require("fs");
const path = require("path");
const { parseArgs } = require("util");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const PROTO = process.env.TIERCEL_PROTO || path.join(__dirname, "..", "..", "proto");
const HOPELESS = [grpc.status.UNAUTHENTICATED, grpc.status.PERMISSION_DENIED,
  grpc.status.INVALID_ARGUMENT, grpc.status.UNIMPLEMENTED];

const text = { type: "string" };
const { values: options } = parseArgs({
  options: { unix: text, tls: text, ca: text, cert: text, key: text, file: text, count: text },
});
if (!options.unix === !options.tls || !options.file) {
  console.error("usage: subscribe.js (--unix PATH | --tls HOST:PORT --ca FILE --cert FILE --key FILE)" +
    " --file FILE [--count N]");
  process.exit(2);
}

// 64-bit numbers stay texts: JavaScript's numbers would round an epoch.
const definition = loader.loadSync("outputs.proto", {
  includeDirs: [PROTO], keepCase: true, longs: String, enums: String, defaults: true,
});
const outputs = grpc.loadPackageDefinition(definition).falco.outputs;

function connect() {
  const read = (name) => options[name] && fs.readFileSync(options[name]);
  return options.unix
    ? new outputs.service("unix:" + path.resolve(options.unix), grpc.credentials.createInsecure())
    : new outputs.service(options.tls, grpc.credentials.createSsl(read("ca"), read("key"), read("cert")));
}

// The position in the last whole line; half a line, from a crash while it was written, is cut off.
function lastPosition(file) {
  let size = fs.fstatSync(file).size;
  let tail = Buffer.alloc(0);
  while (size && tail.filter((c) => c === 10).length < 2) {
    const more = Buffer.alloc(Math.min(size, 65536));
    size -= more.length;
    fs.readSync(file, more, 0, more.length, size);
    tail = Buffer.concat([more, tail]);
  }
  const whole = tail.lastIndexOf(10) + 1;
  fs.ftruncateSync(file, size + whole);
  const lines = tail.subarray(0, whole).toString().split("\n").slice(0, -1).reverse();
  // The first line of the tail may be cut in front; two lines are enough.
  for (const line of lines.slice(0, 2)) {
    const { position } = JSON.parse(line);
    if (position) return position;
  }
  return null;
}

const file = fs.openSync(options.file, fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_APPEND);
let position = lastPosition(file);
let wait = 100;
let count = 0;

function take(response) {
  wait = 100;
  if (response.position) position = response.position;
  if (response.bookmark) return;
  const line = response.lost
    ? { lost: { count: response.lost.count, reason: response.lost.reason } }
    : {
        time: response.time, priority: response.priority, rule: response.rule, source: response.source,
        hostname: response.hostname, tags: response.tags, output: response.output,
        output_fields: response.output_fields,
      };
  if (response.position) line.position = response.position;
  fs.writeSync(file, JSON.stringify(line) + "\n");
  count += response.lost ? 0 : 1;
  if (count === Number(options.count)) process.exit(0);
}

function run() {
  const client = connect();
  const request = { follow: true, control: true, heartbeat: { seconds: 5 } };
  if (position) request.after = position;
  const stream = client.sub();
  stream.on("data", take);
  stream.on("error", (error) => {
    console.error(`${grpc.status[error.code]}: ${error.details}`);
    if (HOPELESS.includes(error.code)) process.exit(1);
  });
  stream.on("status", () => {
    client.close();
    setTimeout(run, wait);
    wait = Math.min(wait * 2, 5000);
  });
  stream.write(request);
  stream.end();
}

run();
