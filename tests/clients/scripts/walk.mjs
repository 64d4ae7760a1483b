// What a person does with @huggingface/hub: REPOSITORY FOLDER SECOND CACHE xet|lfs. Says what came of it as JSON.
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";

const hub = createRequire(pathToFileURL(join(process.env.CLIENT, "package.json")))("@huggingface/hub");
const [repo, folder, second, cacheDir, way] = process.argv.slice(2);
const [namespace, name] = repo.split("/");
const common = { hubUrl: process.env.HF_ENDPOINT, accessToken: process.env.HF_TOKEN };
const here = { ...common, repo };
const ODD = "Bücher/日本 語/a+b & c.txt"; // it quotes no % and no # in a path

console.debug = () => {};

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function all(rows) {
  const found = [];
  for await (const row of rows) found.push(row);
  return found;
}

async function refusal(call) {
  try {
    return ["done", String(await call())];
  } catch (error) {
    return [error.name, error.statusCode ?? String(error)];
  }
}

async function files(root) {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(paths.map(async (path) => ({ path: relative(root, path), bytes: await readFile(path) })));
}

async function push(root, title) {
  const sent = (await files(root)).map(({ path, bytes }) => ({ path, content: new Blob([bytes]) }));
  return (await hub.uploadFiles({ ...here, files: sent, commitTitle: title, useXet: way === "xet" })).commit.oid;
}

async function pulled(revision) {
  const root = await hub.snapshotDownload({ ...here, revision, cacheDir });
  return Object.fromEntries((await files(root)).map(({ path, bytes }) => [path, sha256(bytes)]));
}

// The file in two halves, as a client does that goes on where a line broke.
async function inHalves(path, revision) {
  const blob = await hub.downloadFile({ ...here, path, revision });
  const middle = Math.floor(blob.size / 2);
  const halves = [blob.slice(0, middle), blob.slice(middle, blob.size)];
  return sha256(Buffer.concat(await Promise.all(halves.map(async (half) => Buffer.from(await half.arrayBuffer())))));
}

async function publish() {
  const found = { whoami: (await hub.whoAmI(common)).name };
  found.created = (await hub.createRepo({ ...here, visibility: "private" })).repoUrl;
  found.conflict = await refusal(() => hub.createRepo(here));
  found.first = await push(folder, "one");
  found.second = await push(second, "two");
  await hub.createBranch({ ...here, branch: "try/odd", revision: found.first });
  const odd = { path: ODD, content: new Blob(["odd\n"]) };
  found.third = (await hub.uploadFiles({ ...here, branch: "try/odd", files: [odd], useXet: false })).commit.oid;
  return found;
}

async function look({ first, third }) {
  const names = async (search) => (await all(hub.listModels({ ...common, search }))).map((model) => model.name);
  const rows = await all(hub.listFiles({ ...here, recursive: true, revision: third })); // it quotes no slash in a branch
  return {
    listed: await names({ owner: namespace }),
    searched: await names({ query: name }),
    filtered: await names({ owner: namespace, tags: ["peft"] }),
    nothing: await names({ query: "nobody-called-it-so" }),
    titles: (await all(hub.listCommits(here))).map((commit) => commit.title),
    files: rows.filter((row) => row.type === "file").map((row) => row.path),
    odd: [await hub.fileExists({ ...here, path: ODD, revision: "try/odd" }), await hub.fileExists({ ...here, path: ODD })],
    sha: (await hub.modelInfo({ ...common, name: repo, revision: "1", additionalFields: ["sha"] })).sha === first,
  };
}

async function strangers() {
  const nobody = { hubUrl: common.hubUrl };
  const wrong = { ...nobody, accessToken: "hf_ahub_wrong" };
  const content = new Blob(["x"]);
  return {
    nobody: await refusal(() => hub.modelInfo({ ...nobody, name: repo })),
    nobodysList: (await all(hub.listModels({ ...nobody, search: { query: name } }))).length,
    wrong: await refusal(() => hub.modelInfo({ ...wrong, name: repo })),
    wrongPush: await refusal(() => hub.uploadFile({ ...wrong, repo, file: { path: "x", content } })),
  };
}

const found = await publish();
Object.assign(found, await look(found));
found.pulled = {};
for (const revision of ["1", found.first, "2", "main", "try/odd"]) found.pulled[revision] = await pulled(revision);
found.halves = await inHalves("adapter_model.safetensors", "1");
Object.assign(found, await strangers());
await hub.deleteFile({ ...here, path: "README.md" });
found.readme = await hub.fileExists({ ...here, path: "README.md" });
await hub.deleteRepo(here);
found.deleted = await refusal(() => hub.modelInfo({ ...common, name: repo }));
console.log(JSON.stringify(found));
