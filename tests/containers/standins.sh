#!/usr/bin/env bash
# Makes stand-ins for the images that Dockerfile and docker-compose.yml name, for machines that reach no registry:
#
#   tests/containers/standins.sh FOLDER
#
# Needs root, a running Docker engine, debootstrap, Go, and `make setup`. FOLDER keeps what takes long: the root of
# Debian and the programs built from Go modules. Each image is named like the official one and takes the same command,
# environment, volumes and ports; an image that is there already is left alone, so that official ones win.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(realpath -m "${1:?name a folder}")
mkdir -p "$folder/bin"

missing() { ! docker image inspect "$1" > /dev/null 2>&1; }

# Debian with Python, as slim as Docker's: no documentation, no translations, no package lists.
if missing python:3.13-slim-bookworm; then
  root=$folder/debian
  if [ ! -e "$root/usr/bin/python" ]; then
    mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$root" "$mirror"
    umount "$root/proc" 2> /dev/null || true
    ln -sf python3 "$root/usr/bin/python"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    rm -rf "$root"/usr/share/{doc,man,info,locale} "$root"/var/{cache/apt,lib/apt/lists,log}/*
    mkdir -p "$root"/var/cache/apt/archives/partial "$root"/var/lib/apt/lists/partial
    echo 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; APT::Keep-Downloaded-Packages "false";' \
      > "$root/etc/apt/apt.conf.d/docker-clean"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale > "$root/etc/dpkg/dpkg.cfg.d/docker"
  fi
  tar -C "$root" --exclude='./proc/*' --exclude='./sys/*' -c . | docker import \
    --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' - python:3.13-slim-bookworm
fi

# A program of a Go module, built once: name, module, its package and version.
program() {
  [ -x "$folder/bin/$1" ] && return
  local build=$folder/go/$1
  mkdir -p "$build"
  (cd "$build" && printf 'module standin\ngo 1.26.0\n' > go.mod && go get "$2@$3" && go build -o "$folder/bin/$1" "$2")
}
program temporal-server go.temporal.io/server/cmd/server v1.31.0
program temporal-sql-tool go.temporal.io/server/cmd/tools/sql v1.31.0
program ui-server github.com/temporalio/ui-server/v2/cmd/server v2.49.1
program docker-compose github.com/docker/compose/v2/cmd v2.40.3
docker compose version > /dev/null 2>&1 ||
  { mkdir -p ~/.docker/cli-plugins; ln -sf "$folder/bin/docker-compose" ~/.docker/cli-plugins/docker-compose; }

image() { # name, then files to copy; the Dockerfile comes on stdin
  local name=$1 context
  shift
  missing "$name" || { cat > /dev/null; return; }
  context=$(mktemp -d)
  cp -a "$@" "$context"
  cat > "$context/Dockerfile"
  DOCKER_BUILDKIT=0 docker build -q -t "$name" "$context"
  rm -r "$context"
}

image standin:base /dev/null << 'END'
FROM python:3.13-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends netcat-openbsd wget redis-server redis-tools
RUN useradd --uid 1001 temporal
END

# Debian's version, 17, and not 18: that of the wheel lacks the extension btree_gin, which Temporal's schema needs.
image postgres:18.1-bookworm tests/containers/postgres.sh << 'END'
FROM standin:base
RUN apt-get update && apt-get install -y --no-install-recommends postgresql && rm -rf /var/lib/postgresql/*
COPY postgres.sh /usr/local/bin/
ENV PATH=/usr/lib/postgresql/17/bin:$PATH
VOLUME /var/lib/postgresql
ENTRYPOINT ["postgres.sh"]
CMD ["postgres"]
END

image temporalio/server:1.31.0 "$folder/bin/temporal-server" << 'END'
FROM standin:base
COPY temporal-server /usr/local/bin/
WORKDIR /etc/temporal
USER temporal
# The official image's script finds out the address for the other members of the cluster, as here.
CMD ["sh", "-c", "export TEMPORAL_BROADCAST_ADDRESS=$(hostname -i); exec temporal-server start"]
END

image temporalio/admin-tools:1.31.0 "$folder/bin/temporal-sql-tool" .venv/bin/temporal << 'END'
FROM standin:base
COPY temporal temporal-sql-tool /usr/local/bin/
USER temporal
END

image temporalio/temporal:1.5.1 .venv/bin/temporal << 'END'
FROM standin:base
COPY temporal /usr/local/bin/
RUN install -d -o temporal /data
USER temporal
ENTRYPOINT ["temporal"]
END

ui=$(cd "$folder/go/ui-server" && go list -m -f '{{.Dir}}' github.com/temporalio/ui-server/v2)
image temporalio/ui:2.49.1 "$folder/bin/ui-server" "$ui/config/docker.yaml" << 'END'
FROM standin:base
WORKDIR /home/ui-server
COPY ui-server ./
COPY docker.yaml config/docker.yaml
RUN chmod a+r config/docker.yaml
USER temporal
ENTRYPOINT ["./ui-server", "--env", "docker", "start"]
END

image caddy:2.11.4-alpine .venv/bin/caddy << 'END'
FROM standin:base
COPY caddy /usr/bin/
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
END

image chrislusf/seaweedfs:4.48 .venv/bin/weed << 'END'
FROM standin:base
COPY weed /usr/bin/
RUN install -d -o 1000 -g 1000 /data
VOLUME /data
ENTRYPOINT ["weed"]
END

image redis:8.2.1-alpine /dev/null << 'END'
FROM standin:base
RUN install -d -o 1000 -g 1000 /data
END

# Not Jaeger, which only receives: something that takes what it is sent, and answers its health check.
image jaegertracing/jaeger:2.11.0 tests/containers/receiver.py << 'END'
FROM standin:base
COPY receiver.py /
CMD ["python", "/receiver.py"]
END
