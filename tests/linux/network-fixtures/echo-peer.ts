/**
 * One end of a connection, to be run in a network namespace.
 * `serve tcp|udp <port> <name>`: prints "ready", answers each client with "<name> from <client address>".
 * `ask tcp|udp <address> <port>`: prints the answer, or "no answer" (exit code 1).
 */
const [mode, protocol, first = "", second = ""] = process.argv.slice(2);

/** An IPv4 address as such, which a socket of both families reports within IPv6. */
function plain(address: string): string {
  return address.replace(/^::ffff:/, "");
}

function giveUp(): never {
  process.stdout.write("no answer\n");
  process.exit(1);
}

async function serve(port: number, name: string): Promise<void> {
  if (protocol === "tcp") {
    Bun.listen({
      hostname: "::",
      port,
      socket: { open: (socket) => void socket.end(`${name} from ${plain(socket.remoteAddress)}\n`), data: () => {} },
    });
  } else {
    await Bun.udpSocket({
      hostname: "::",
      port,
      socket: {
        data: (socket, _data, from, address) => void socket.send(`${name} from ${plain(address)}\n`, from, address),
      },
    });
  }
  process.stdout.write("ready\n");
}

async function ask(hostname: string, port: number): Promise<void> {
  setTimeout(giveUp, 1000);
  const answer = (data: Buffer): void => {
    process.stdout.write(data);
    process.exit(0);
  };
  if (protocol === "tcp") {
    await Bun.connect({
      hostname,
      port,
      socket: { data: (_socket, data) => answer(data), error: giveUp, connectError: giveUp },
    });
  } else {
    const socket = await Bun.udpSocket({
      hostname: hostname.includes(":") ? "::" : "0.0.0.0",
      socket: { data: (_socket, data) => answer(data) },
    });
    socket.send("?", port, hostname);
  }
}

if (mode === "serve") await serve(Number(first), second);
else await ask(first, Number(second)).catch(giveUp);
