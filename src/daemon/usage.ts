/** `berth daemon --help`. */
export const daemonUsage = `Usage:  berth daemon [OPTIONS]
        berth daemon install [OPTIONS]
        berth daemon uninstall

Runs the Berth daemon in the foreground, or makes it a systemd service.

Examples:
  berth daemon                                  listen on unix:///run/berth/berth.sock
  berth daemon -H unix:///tmp/b.sock --data-root /tmp/b/data --exec-root /tmp/b/run
  berth daemon install --trust-host-ca          a service whose containers trust the host's CA bundle

Options:
  -H, --host list                Address to listen on: unix://PATH or tcp://HOST:PORT (default unix:///run/berth/berth.sock)
      --data-root string         Images, containers, volumes (default /var/lib/berth)
      --exec-root string         State of this boot: sockets, bundles (default /run/berth)
  -p, --pidfile string           File for the process id (default EXEC_ROOT/berth.pid)
  -G, --group string             Group that may use the socket (default "berth")
      --config-file string       Configuration (default /etc/berth/daemon.json)
  -D, --debug                    Log everything
  -l, --log-level string         debug, info, warn or error (default "info")
  -s, --storage-driver string    overlay2 or vfs (default: what the file system can do)
      --default-runtime string   OCI runtime for containers that name none (default: crun, then runc)
      --add-runtime name=path    A further OCI runtime
      --cgroup-parent string     Control group that holds all containers
      --bip string               Address of the default bridge, as 172.20.0.1/16 (default: a free one)
      --mtu int                  MTU of container networks (default: that of the host's default route)
      --ipv6                     Give the default bridge IPv6 too
      --default-address-pool base=cidr,size=n
                                 Where subnets of networks come from (default: Docker's pools)
      --bip6 string              IPv6 address of the default bridge, as fd00:20::1/64
      --fixed-cidr, --fixed-cidr-v6 cidr
                                 Part of the default bridge's subnet that containers get addresses of
      --default-gateway, --default-gateway-v6 ip
                                 Way out of containers on the default bridge (default: the bridge)
      --icc                      Containers of the default bridge reach each other (default true)
      --ip-masq                  Their outgoing connections take the host's address (default true)
      --ip-forward               Have the kernel forward between interfaces (default true)
      --userland-proxy           Publish ports on [::1] and across the families too (default true)
      --default-network-opt driver=option=value
                                 Options of networks that do not set them
      --host-gateway-ip ip       What host-gateway stands for (default: the host on the container's bridge)
      --dns ip, --dns-search domain, --dns-opt string
                                 For containers that name none themselves
      --ip address               Host address of ports published without one (default "0.0.0.0")
      --raw-logs                 The log has no colours in any case
      --log-driver string        Default for containers: json-file, local, journald, syslog,
                                 fluentd, gelf, splunk, awslogs, gcplogs or none (default "json-file")
      --log-opt name=value       Default log options, as max-size=10m
      --init                     Run an init in every container
      --no-new-privileges        Set no-new-privileges for every container
      --init-path string         The init of --init (default: catatonit, tini, dumb-init: the first on PATH)
      --default-shm-size bytes   Size of /dev/shm (default 64m)
      --default-ipc-mode string  private or shareable (default "private")
      --default-cgroupns-mode string
                                 private or host (default: private on control groups version 2)
      --default-ulimit name=soft[:hard]
                                 Limits of processes that containers do not set themselves
      --seccomp-profile string   Path of a profile, builtin or unconfined (default "builtin")
      --storage-opt name=value   overlay2.size=10g limits what each container may write
      --cpu-rt-period, --cpu-rt-runtime int
                                 Real-time CPU time for all containers together, in microseconds (cgroup v1)
      --cdi-spec-dir list        Where device specifications are (default /etc/cdi, /var/run/cdi)
      --userns-remap user[:group] User whose subordinate ids containers run under; default makes dockremap
      --http-proxy, --https-proxy url, --no-proxy list
                                 How the daemon reaches registries (default: as its environment says)
      --label key=value          Labels of the daemon
      --shutdown-timeout int     Longest that containers have to end when the machine stops, in seconds
      --exec-opt string          native.cgroupdriver=cgroupfs, which it is
      --feature name=bool        cdi, buildkit, containerd-snapshotter
      --experimental             Tell clients so
      --log-format string        text or json (default "text")
      --validate                 Check the configuration and end
      --trust-host-ca            Containers and build steps trust the host's CA bundle
      --insecure-registry list   Registry (host:port or subnet) without TLS, or with a certificate nobody knows
      --registry-mirror list     Mirror of docker.io, tried first (https://HOST)
      --registry-certs string    Certificates of registries, as HOST:PORT/{ca.crt,client.cert,client.key}
                                 (default /etc/berth/certs.d, then /etc/docker/certs.d)
      --max-concurrent-downloads int
                                 Layers that are pulled at once (default 3)
      --max-concurrent-uploads int
                                 Layers that are pushed at once (default 5)
      --max-download-attempts int
                                 Tries of a download that breaks (default 5)
      --drop-packed-layers       Do not keep layers as they came: less disk, but pushes and saves pack anew
      --trust-policy string      Which images may be used (default /etc/berth/trust-policy.json, if there)
      --serve-registry list      Serve a registry on HOST:PORT too, kept below the data root
      --registry-config string   Configuration of that registry (JSON)
      --tls, --tlsverify         TLS on TCP; with --tlsverify clients need a certificate
      --tlscacert, --tlscert, --tlskey string
                                 PEM files (default /etc/berth/{ca,server-cert,server-key}.pem)
`;
