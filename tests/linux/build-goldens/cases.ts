/** A file of a context: its text, or what else it is. */
export type ContextFile =
  | string
  | { readonly text: string; readonly mode: number }
  | { readonly link: string }
  | { readonly folder: number }
  /** A gzipped tar of these files. */
  | { readonly archive: Readonly<Record<string, string>> };

/** A build that Berth and Docker's BuildKit must bring to the same files and config. */
export type GoldenCase = {
  readonly name: string;
  readonly dockerfile: string;
  readonly files?: Readonly<Record<string, ContextFile>>;
  readonly arguments?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Paths that are not compared: stand-ins for mount points that Docker leaves behind. */
  readonly ignore?: readonly string[];
};

const tree: Readonly<Record<string, ContextFile>> = {
  "a.txt": "a",
  "b.txt": { text: "b", mode: 0o600 },
  "run.sh": { text: "#!/bin/sh\necho run\n", mode: 0o755 },
  "src/one.txt": "one",
  "src/two.md": "two",
  "src/sub/three.txt": { text: "three", mode: 0o640 },
  "src/sub/link": { link: "three.txt" },
  "private/secret": { text: "s", mode: 0o400 },
  private: { folder: 0o700 },
  "link-to-a": { link: "a.txt" },
  "link-to-src": { link: "src" },
};

const base = "FROM busybox\n";

/** Spread over the features of Dockerfiles that Docker 20.10's BuildKit knows. */
export const goldenCases: readonly GoldenCase[] = [
  { name: "copy a file to a name", dockerfile: `${base}COPY a.txt /x`, files: tree },
  { name: "copy a file into a folder", dockerfile: `${base}COPY a.txt /x/`, files: tree },
  { name: "copy a file to a deep name", dockerfile: `${base}COPY a.txt /x/y/z`, files: tree },
  { name: "copy a file onto an existing folder", dockerfile: `${base}COPY a.txt /tmp`, files: tree },
  { name: "copy a folder's contents", dockerfile: `${base}COPY src /x`, files: tree },
  { name: "copy a folder with slashes", dockerfile: `${base}COPY src/ /x/`, files: tree },
  { name: "copy a folder's dot", dockerfile: `${base}COPY src/. /x`, files: tree },
  { name: "copy everything", dockerfile: `${base}COPY . /x`, files: tree },
  { name: "copy a folder with its own mode", dockerfile: `${base}COPY private /x/`, files: tree },
  {
    name: "copy a folder in a folder with its own mode",
    dockerfile: `${base}COPY . /x`,
    files: { "d/f": "1", d: { folder: 0o711 } },
  },
  { name: "copy two files into a folder", dockerfile: `${base}COPY a.txt b.txt /x/`, files: tree },
  {
    name: "copy in JSON form",
    dockerfile: `${base}COPY ["a.txt", "with space", "/x y/"]`,
    files: { ...tree, "with space": "w" },
  },
  { name: "copy a link follows it", dockerfile: `${base}COPY link-to-a /x`, files: tree },
  { name: "copy a link to a folder follows it", dockerfile: `${base}COPY link-to-src /x`, files: tree },
  { name: "copy by pattern", dockerfile: `${base}COPY *.txt /x/`, files: tree },
  { name: "copy by pattern in a folder", dockerfile: `${base}COPY src/*.??? src/[t]* /x/`, files: tree },
  { name: "copy by pattern flattens folders", dockerfile: `${base}COPY s* /x/`, files: tree },
  { name: "copy by pattern that matches nothing", dockerfile: `${base}COPY none* a.txt /x/`, files: tree },
  { name: "copy with chown by number", dockerfile: `${base}COPY --chown=12:34 src /x/y`, files: tree },
  { name: "copy with chown by number alone", dockerfile: `${base}COPY --chown=12 a.txt /x/`, files: tree },
  { name: "copy with chown by name", dockerfile: `${base}COPY --chown=nobody:nobody a.txt /x/`, files: tree },
  { name: "copy with chown by user name", dockerfile: `${base}COPY --chown=nobody a.txt /x`, files: tree },
  {
    name: "copy with chown from a variable",
    dockerfile: `${base}ENV WHO=7:8\nCOPY --chown=$WHO a.txt /x`,
    files: tree,
  },
  { name: "copy with chmod", dockerfile: `${base}COPY --chmod=751 a.txt src /x/`, files: tree },
  { name: "copy with chmod to a new folder", dockerfile: `${base}COPY --chmod=0500 run.sh /x/run`, files: tree },
  {
    name: "copy into WORKDIR",
    dockerfile: `${base}WORKDIR /w/x\nCOPY a.txt .\nCOPY b.txt sub/\nCOPY a.txt ../up`,
    files: tree,
  },
  {
    name: "copy through a link in the image",
    dockerfile: `${base}RUN mkdir /real && ln -s /real /lnk && ln -s ../../real /tmp/l\nCOPY a.txt /lnk/\nCOPY src /tmp/l/`,
    files: tree,
  },
  { name: "copy over a file", dockerfile: `${base}RUN echo old > /x && chmod 777 /x\nCOPY a.txt /x`, files: tree },
  {
    name: "copy into an existing folder keeps its mode",
    dockerfile: `${base}RUN mkdir -m 711 /x && chown 5:6 /x\nCOPY src /x`,
    files: tree,
  },
  {
    name: "copy over an existing sub folder takes the source's mode",
    dockerfile: `${base}RUN mkdir -p /x/sub && chmod 700 /x/sub\nCOPY src /x`,
    files: tree,
  },
  { name: "copy ignores USER", dockerfile: `${base}USER nobody\nCOPY a.txt /x/`, files: tree },
  {
    name: "add unpacks an archive",
    dockerfile: `${base}ADD t.tgz /x`,
    files: { "t.tgz": { archive: { "in/f": "f", g: "g" } } },
  },
  {
    name: "add unpacks by content, not by name",
    dockerfile: `${base}ADD t /x/\nADD not.tar /y/`,
    files: { t: { archive: { f: "f" } }, "not.tar": "text" },
  },
  { name: "copy does not unpack", dockerfile: `${base}COPY t.tgz /x/`, files: { "t.tgz": "no archive" } },
  { name: "add an empty file", dockerfile: `${base}ADD empty.tar /x/`, files: { "empty.tar": "" } },
  {
    name: "from another stage",
    dockerfile: `FROM busybox AS one\nRUN mkdir /d && echo 1 > /d/f && chown -R 9:9 /d && chmod 750 /d\nFROM busybox\nCOPY --from=one /d /e`,
    files: tree,
  },
  {
    name: "from another stage by number and with chown",
    dockerfile: `FROM busybox\nRUN echo 1 > /f && chown 9:9 /f\nFROM scratch\nCOPY --from=0 --chown=1:2 /f /g`,
    files: tree,
  },
  { name: "from an image", dockerfile: `FROM scratch\nCOPY --from=busybox /etc/passwd /p`, files: tree },
  {
    name: "stage on a stage",
    dockerfile: `FROM busybox AS one\nENV A=1\nWORKDIR /one\nUSER nobody\nFROM one\nENV B=$A`,
    files: tree,
  },
  { name: "target", dockerfile: `FROM busybox AS one\nLABEL n=one\nFROM busybox AS two\nLABEL n=two`, target: "one" },
  { name: "scratch with config", dockerfile: `FROM scratch\nCOPY a.txt /\nCMD ["/a.txt"]`, files: tree },
  {
    name: "global and stage arguments",
    dockerfile: `ARG IMG=busybox\nARG G=global\nFROM $IMG\nARG G\nARG L=local\nARG N\nRUN echo "$G $L $N $IMG" > /x\nENV E=$G-$L`,
    arguments: { L: "given" },
  },
  { name: "an argument after ENV", dockerfile: `${base}ENV V=env\nARG V=arg\nRUN echo $V > /x` },
  {
    name: "ENV after an argument",
    dockerfile: `${base}ARG V=arg\nENV V=env\nRUN echo $V > /x`,
    arguments: { V: "given" },
  },
  {
    name: "variables with defaults",
    dockerfile: `${base}ENV A=1 B=\nENV C=\${A:-x} D=\${B:-y} E=\${F:-z} G=\${A:+w} H=\${F:+v}`,
  },
  { name: "quotes and escapes in ENV", dockerfile: `${base}ENV A="two words" B='$A' C=x\\ y D="a\\"b" E=$A` },
  { name: "ENV of the old form", dockerfile: `${base}ENV A b  c "d"\nENV PATH $PATH:/more` },
  { name: "variables of one instruction see what was before", dockerfile: `${base}ENV a=1\nENV a=2 b=$a` },
  { name: "labels", dockerfile: `${base}LABEL a=1 "b c"="d e" f=\nLABEL a=2`, labels: { z: "given" } },
  { name: "ports", dockerfile: `${base}ENV P="81 82/udp"\nEXPOSE 80 90-92/tcp $P` },
  { name: "volumes", dockerfile: `${base}VOLUME /a /b\nVOLUME ["/c d"]\nRUN mkdir -p /a && echo 1 > /a/f` },
  { name: "a user and WORKDIR's owner", dockerfile: `${base}USER nobody\nWORKDIR /w/x\nRUN touch f` },
  { name: "relative WORKDIRs", dockerfile: `${base}WORKDIR /a\nWORKDIR b\nWORKDIR ../c\nRUN pwd > /tmp/p` },
  { name: "WORKDIR with a variable", dockerfile: `${base}ENV D=/dir\nWORKDIR $D/x$NONE` },
  { name: "WORKDIR that exists", dockerfile: `${base}WORKDIR /tmp\nRUN touch f` },
  {
    name: "shell forms",
    dockerfile: `${base}SHELL ["/bin/sh", "-ec"]\nRUN echo 1 > /x\nCMD run it\nENTRYPOINT also this`,
  },
  { name: "exec forms", dockerfile: `${base}RUN ["/bin/busybox", "touch", "/x y"]\nENTRYPOINT ["a", "b"]\nCMD ["c"]` },
  {
    name: "ENTRYPOINT clears an inherited CMD",
    dockerfile: `FROM busybox AS one\nCMD ["x"]\nFROM one\nENTRYPOINT ["y"]`,
  },
  { name: "CMD that is not JSON", dockerfile: `${base}CMD ['a', 'b']` },
  {
    name: "health check",
    dockerfile: `${base}HEALTHCHECK --interval=5s --timeout=3s --start-period=1m --retries=4 CMD test -f /x`,
  },
  { name: "health check in exec form", dockerfile: `${base}HEALTHCHECK CMD ["true", "x"]` },
  { name: "no health check", dockerfile: `${base}HEALTHCHECK NONE` },
  { name: "stop signal", dockerfile: `${base}ARG S=TERM\nSTOPSIGNAL SIG$S` },
  { name: "onbuild is stored", dockerfile: `${base}ONBUILD RUN echo hi\nONBUILD COPY . /x` },
  {
    name: "onbuild runs in the next stage",
    dockerfile: `FROM busybox AS one\nONBUILD RUN echo hi > /x\nONBUILD ENV A=1\nFROM one\nRUN cat /x > /y`,
  },
  { name: "maintainer", dockerfile: `${base}MAINTAINER me <me@example.org>` },
  { name: "continued lines", dockerfile: `${base}RUN echo a \\\n  # a comment\n  b \\\n\n  c > /x` },
  {
    name: "another escape character",
    dockerfile: "# escape=`\nFROM busybox\nRUN echo a `\n  b > /x\nENV A=b`$c D=\\d",
  },
  {
    name: "run leaves what it made",
    dockerfile: `${base}RUN mkdir -m 700 /d && ln -s d /l && mkfifo /d/p && ln /etc/passwd /d/hard && chown 1:2 /d/hard`,
    ignore: ["/etc/passwd"],
  },
  {
    name: "run removes and replaces",
    dockerfile: `${base}RUN mkdir /a /b && touch /a/1 /b/1\nRUN rm -r /a && rm -r /b && mkdir /b && touch /b/2 && rm /etc/group`,
  },
  { name: "run that changes nothing", dockerfile: `${base}RUN true` },
  {
    name: "run with a bind of the context",
    dockerfile: `${base}RUN --mount=target=/ctx,source=src cat /ctx/one.txt > /x && ls -R /ctx > /y`,
    files: tree,
    ignore: ["/ctx"],
  },
  {
    name: "run with a bind of a stage",
    dockerfile: `FROM busybox AS one\nRUN echo 1 > /f\nFROM busybox\nRUN --mount=type=bind,from=one,source=/f,target=/m/f cp /m/f /x`,
    ignore: ["/m"],
  },
  {
    name: "run with a bind that is written",
    dockerfile: `${base}RUN --mount=target=/ctx,rw echo 1 > /ctx/new && cp /ctx/new /x`,
    files: tree,
    ignore: ["/ctx"],
  },
  {
    name: "run with a cache",
    dockerfile: `${base}RUN --mount=type=cache,target=/c echo 1 > /c/f\nRUN --mount=type=cache,target=/c cp /c/f /x`,
    ignore: ["/c"],
  },
  {
    name: "run with a cache of an owner",
    dockerfile: `${base}RUN --mount=type=cache,target=/c,uid=5,gid=6,mode=0750 stat -c "%u %g %a" /c > /x`,
    ignore: ["/c"],
  },
  {
    name: "run with a tmpfs",
    dockerfile: `${base}RUN --mount=type=tmpfs,target=/t echo 1 > /t/f && ls /t > /x`,
    ignore: ["/t"],
  },
  {
    name: "run with a secret",
    dockerfile: `${base}RUN --mount=type=secret,id=s cat /run/secrets/s > /x && stat -c "%a %u %g" /run/secrets/s > /y`,
    secrets: { s: "hush" },
    ignore: ["/run"],
  },
  {
    name: "run with a secret elsewhere",
    dockerfile: `${base}RUN --mount=type=secret,id=s,target=/k/s,mode=0444,uid=3 cat /k/s > /x && stat -c "%a %u" /k/s > /y`,
    secrets: { s: "hush" },
    ignore: ["/k"],
  },
  {
    name: "run with a secret that is missing",
    dockerfile: `${base}RUN --mount=type=secret,id=none ls /run/secrets > /x 2>/dev/null; true`,
    ignore: ["/run"],
  },
  {
    name: "ignored files stay behind",
    dockerfile: `${base}COPY . /x`,
    files: { ...tree, ".dockerignore": "*.txt\n!b.txt\n**/sub\n# comment\nprivate" },
  },
  {
    name: "an empty ENTRYPOINT",
    dockerfile: `FROM busybox AS one\nENTRYPOINT ["x"]\nCMD ["y"]\nFROM one\nENTRYPOINT []`,
  },
  {
    name: "copy through a linked folder, and onto links",
    dockerfile: `${base}RUN mkdir -p /real /x /files && ln -s /real /l && echo old > /files/target && ln -s target /files/one.txt\nCOPY src /l\nCOPY src /l/x\nCOPY src /files`,
    files: tree,
  },
  {
    name: "copy a link over a file, and a file over a link",
    dockerfile: `FROM busybox AS s\nRUN mkdir /a /b && ln -s nowhere /a/f && echo file > /a/g && ln -s g /a/h\nFROM busybox\nRUN mkdir /d && echo old > /d/f && ln -s f /d/g\nCOPY --from=s /a /d\nCOPY --from=s /a/h /e`,
  },
  {
    name: "copy from a stage by pattern, with hard links",
    dockerfile: `FROM busybox AS s\nRUN mkdir -p /a/sub && echo 1 > /a/one.txt && ln /a/one.txt /a/two.txt && echo 2 > /a/sub/three.txt && chown 5:6 /a/sub\nFROM busybox\nCOPY --from=s /a/*.txt /a/s* /d/`,
  },
  {
    name: "add archives over what is there",
    dockerfile: `${base}RUN mkdir -p /x/in && echo old > /x/in/f && ln -s in /x/l && chmod 700 /x/in\nADD one.tgz two.tgz /x/`,
    files: { "one.tgz": { archive: { "in/f": "new", "l/f": "replaced" } }, "two.tgz": { archive: { "in/g": "g" } } },
  },
  {
    name: "arguments over three stages",
    dockerfile: `ARG A=global\nARG B=\${A}-b\nFROM busybox AS one\nARG A\nARG C=\${A:-none}\nENV E1=$A-$B-$C\nFROM one AS two\nARG B\nENV E2=$A-$B-$C\nFROM busybox\nARG C=own\nCOPY --from=two /etc/passwd /p\nENV E3=$A-$B-$C`,
    arguments: { C: "given" },
  },
  {
    name: "arguments of one name again and again",
    dockerfile: `${base}ARG A=1\nRUN echo $A > /1\nARG A=2\nRUN echo $A > /2\nARG A\nRUN echo $A > /3\nENV A=4\nRUN echo $A > /4`,
  },
  {
    name: "triggers with arguments, variables and a directory",
    dockerfile: `FROM busybox AS one\nONBUILD ARG X=1\nONBUILD ENV E=$X\nONBUILD WORKDIR /w/$X\nONBUILD COPY a.txt .\nFROM one\nRUN echo $E $(pwd) > /x`,
    files: tree,
    arguments: { X: "given" },
  },
  {
    name: "triggers of a base of a base",
    dockerfile: `FROM busybox AS one\nONBUILD RUN echo one >> /log\nFROM one AS two\nONBUILD RUN echo two >> /log\nFROM two`,
  },
  {
    name: "labels with variables in keys, and quotes",
    dockerfile: `${base}ENV K=key\nLABEL $K=1 "a $K"='b $K' c="d "e""`,
  },
  {
    name: "variables in every place",
    dockerfile: `${base}ENV U=nobody D=/w P=8080 V=/v S=SIGINT\nWORKDIR $D\nEXPOSE $P-8082/tcp $P/udp\nVOLUME $V $D\nUSER $U\nSTOPSIGNAL $S\nCMD echo $U`,
  },
  {
    name: "ignored: patterns, exceptions and anchors",
    dockerfile: `${base}COPY . /x`,
    files: {
      "a.log": "1",
      "keep.log": "1",
      "d/a.log": "1",
      "d/e/b.tmp": "1",
      "d/e/keep.tmp": "1",
      "build/out": "1",
      "d/build/out": "1",
      x1: "1",
      x22: "1",
      ".dockerignore": "/*.log\n!keep.log\n**/*.tmp\n!d/e/keep.tmp\n/build/\nx?\n# no\n",
    },
  },
];
