// @huggingface/hub sends a file, or fetches one, and tries again once: up|down REPOSITORY FILE.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const hub = createRequire(pathToFileURL(join(process.env.CLIENT, "package.json")))("@huggingface/hub");
const [way, repo, file] = process.argv.slice(2);
const here = { hubUrl: process.env.HF_ENDPOINT, accessToken: process.env.HF_TOKEN, repo };
const PATH = "adapter_model.safetensors";

// Its streams break with the line; a slice of its blobs begins where they broke.
async function down() {
  const blob = await hub.downloadFile({ ...here, path: PATH });
  const pieces = [];
  let came = 0;
  let faults = 0;
  while (came < blob.size) {
    try {
      for await (const piece of blob.slice(came, blob.size).stream()) {
        pieces.push(piece);
        came += piece.length;
      }
    } catch (error) {
      if (faults++) throw error;
    }
  }
  return { sha256: createHash("sha256").update(Buffer.concat(pieces)).digest("hex"), faults };
}

async function up() {
  const content = new Blob([await readFile(file)]);
  for (let faults = 0; ; faults++) {
    try {
      await hub.uploadFile({ ...here, file: { path: PATH, content } });
      return { sha256: createHash("sha256").update(await readFile(file)).digest("hex"), faults };
    } catch (error) {
      if (faults) throw error;
    }
  }
}

console.log(JSON.stringify(await (way === "up" ? up() : down())));
