import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scaled, timed, type Workload } from "../workload.ts";

const dockerfile = (stamp: string) => `FROM busybox AS deps
ENV STAMP=${stamp}
WORKDIR /app
COPY package.json package-lock.json ./
COPY vendor vendor
RUN mkdir node_modules && for t in vendor/*.tgz; do tar -xzf $t -C node_modules; done && rm -r vendor

FROM busybox AS build
WORKDIR /app
COPY --from=deps /app/node_modules node_modules
COPY src src
RUN mkdir dist && for f in src/*.js; do cat $f node_modules/package-1/file-1.js > dist/$(basename $f); done

FROM busybox AS test
WORKDIR /app
COPY --from=deps /app/node_modules node_modules
COPY src src
RUN grep -rc export src node_modules > /app/report

FROM busybox
ENV NODE_ENV=production
WORKDIR /app
COPY --from=deps /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=test /app/report report
USER nobody
CMD ["cat", "/app/report"]
`;

/** A Node application as builders see it: a lock file, packages as archives, sources, four stages. */
function makeProject(packages: number, stamp: string): string {
  const folder = mkdtempSync(join(tmpdir(), "berth-bench-project-"));
  for (const name of ["vendor", "src"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "Dockerfile"), dockerfile(stamp));
  writeFileSync(join(folder, "package.json"), `{"name":"app","version":"1.0.0"}\n`);
  writeFileSync(join(folder, "package-lock.json"), `{"stamp":${JSON.stringify(stamp)}}\n`);
  for (let file = 0; file < 100; file += 1) {
    writeFileSync(join(folder, "src", `source-${file}.js`), `export const value${file} = ${file};\n`.repeat(40));
  }
  const script = [
    "set -e",
    "for f in $(seq 1 20); do yes 'export const something = 1;' | head -c 2000 > file-$f.js; done",
    `for n in $(seq 1 ${packages}); do mkdir package-$n; cp file-*.js package-$n; tar -czf vendor/package-$n.tgz package-$n; rm -r package-$n; done`,
    "rm file-*.js",
  ].join("\n");
  const { exitCode } = Bun.spawnSync(["sh", "-c", script], { cwd: folder });
  if (exitCode !== 0) throw new Error("the project could not be made");
  return folder;
}

/** W15: a project's day: the first build, a changed source, a changed lock file. */
export const buildProject: Workload = {
  id: "W15",
  title:
    "build of a Node project, 300 packages in 6,000 files, four stages: first, after an edit, after a changed lock",
  round: async (engine, size) => {
    const folder = makeProject(scaled(size, 300, 10), `project-${performance.now()}`);
    const build = () => engine.docker(["build", "-q", "-t", "bench-project", folder]);
    try {
      const first = await timed(build);
      writeFileSync(join(folder, "src", "source-1.js"), "export const changed = true;\n");
      const edited = await timed(build);
      writeFileSync(join(folder, "package-lock.json"), "{}\n");
      const locked = await timed(build);
      return { "W15 first [ms]": [first], "W15 edited source [ms]": [edited], "W15 edited lock [ms]": [locked] };
    } finally {
      rmSync(folder, { recursive: true });
      await engine.docker(["rmi", "-f", "bench-project"]);
    }
  },
};

/** Work for one processor, two seconds of busybox or so. */
const busy = "i=0; while [ $i -lt 2000000 ]; do i=$((i+1)); done";

/** W16: two stages that need nothing of each other, against the same work in one. */
export const buildParallel: Workload = {
  id: "W16",
  title: "build with two busy stages side by side, and the same work in a row",
  round: async (engine) => {
    const folder = mkdtempSync(join(tmpdir(), "berth-bench-parallel-"));
    const stamp = `${performance.now()}`;
    const build = async (text: string) => {
      writeFileSync(join(folder, "Dockerfile"), text);
      return timed(() => engine.docker(["build", "-q", "-t", "bench-parallel", folder]));
    };
    const step = (name: string) => `RUN : ${stamp}; ${busy}; echo ${name} > /${name}`;
    try {
      const parallel = await build(
        `FROM busybox AS a\n${step("a")}\nFROM busybox AS b\n${step("b")}\nFROM busybox\nCOPY --from=a /a /\nCOPY --from=b /b /\n`,
      );
      const serial = await build(`FROM busybox\n${step("serial-a")}\n${step("serial-b")}\n`);
      return { "W16 two stages [ms]": [parallel], "W16 in a row [ms]": [serial], "W16 gain [x]": [serial / parallel] };
    } finally {
      rmSync(folder, { recursive: true });
      await engine.docker(["rmi", "-f", "bench-parallel"]);
    }
  },
};
