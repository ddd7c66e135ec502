"""Images for a machine that cannot fetch them: Debian with the same programs from its packages, under the same names."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .ground import check

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
INSTALL = "apt-get {options} update && apt-get install -y --no-install-recommends {packages} && rm -rf /var/lib/apt/lists/*"

# As the official image: user, database and password by variables, the rights of root left behind.
POSTGRES = """#!/bin/bash
set -e
if [ "$(id -u)" = 0 ]; then
    chown postgres "$PGDATA"
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -E UTF8 --locale C.UTF-8 -U "$POSTGRES_USER" --pwfile=<(printf %s "$POSTGRES_PASSWORD") $POSTGRES_INITDB_ARGS
    printf '\\nhost all all all scram-sha-256\\n' >> "$PGDATA/pg_hba.conf"
    pg_ctl -w -o "-c listen_addresses=''" start
    createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -w -m fast stop
fi
exec "$@" -c listen_addresses='*'
"""


def debian(suite, packages, lines=(), options="", setup=""):
    return "\n".join([f"FROM localhost/stand-in:{suite}", f"RUN {setup}{INSTALL.format(options=options, packages=packages)}", *lines])


def recipe(image):
    """Containerfile and files beside it for an image; None when nothing can stand in for it."""
    name = image.split("/", 1)[1].rsplit(":", 1)[0]
    if name == "library/debian":
        return "FROM localhost/stand-in:bookworm", {}
    if name == "library/python":
        return debian("bookworm", "ca-certificates python3 python3-pip", ["COPY certificates.crt /etc/ssl/certs/ca-certificates.crt"]), {}
    if name == "library/rust":
        root = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
        lines = ["ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "COPY certificates.crt /etc/ssl/certs/ca-certificates.crt", "COPY rust /usr/local/rust"]
        return debian("bookworm", "ca-certificates gcc g++ make libc6-dev pkg-config", lines), {"rust/bin": Path(root, "bin"), "rust/lib": Path(root, "lib")}
    if name == "library/postgres":
        lines = ["RUN rm -rf /var/lib/postgresql/* && install -d -o postgres -g postgres /var/lib/postgresql/data /run/postgresql",
                 "ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data",
                 "COPY --chmod=755 entry /usr/local/bin/entry", "VOLUME /var/lib/postgresql/data", 'ENTRYPOINT ["entry"]', "STOPSIGNAL SIGINT"]
        return debian("trixie", "postgresql-17", lines), {"entry": POSTGRES}
    if name == "library/redis":
        return debian("trixie", "redis-server", ["RUN install -d -o redis -g redis /data", "VOLUME /data", "WORKDIR /data"]), {}
    if name == "nginxinc/nginx-unprivileged":
        # `resolve` in an upstream needs 1.27.3.
        newer = f"echo 'deb {mirror()} sid main' > /etc/apt/sources.list.d/sid.list && "
        lines = ["RUN useradd --uid 10101 --no-create-home ours", "USER 10101"]
        return debian("trixie", "-t sid nginx-light wget", lines, "-o Acquire::Check-Valid-Until=false", newer), {}
    if name == "prom/prometheus":
        lines = ["RUN install -d -o 65534 -g 65534 /prometheus", "USER 65534", "VOLUME /prometheus", 'ENTRYPOINT ["prometheus"]']
        return debian("trixie", "prometheus wget", lines), {}
    if name == "prom/node-exporter":
        return debian("trixie", "prometheus-node-exporter", ["USER 65534", 'ENTRYPOINT ["prometheus-node-exporter"]']), {}
    return None


def mirror():
    """Where this machine's own packages come from."""
    said = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)"], capture_output=True, text=True).stdout
    found = [line.split()[0] for line in said.splitlines() if line.endswith(" main") and "security" not in line]
    check(found, "apt knows no place of Debian's packages")
    return found[0]


def base(podman, suite):
    if podman.has(f"localhost/stand-in:{suite}"):
        return
    place = Path(tempfile.mkdtemp(prefix=f"quittance-{suite}-"))
    try:
        podman.run("debootstrap", "--variant=minbase", suite, place, mirror(), timeout=1800)
        for file in (place / "var/cache/apt/archives").glob("*.deb"):
            file.unlink()
        podman.run("tar", "-C", place, "-cf", f"{place}.tar", ".")
        podman("import", f"{place}.tar", f"localhost/stand-in:{suite}")
    finally:
        shutil.rmtree(place, ignore_errors=True)
        Path(f"{place}.tar").unlink(missing_ok=True)


def stand_in(podman, image):
    """Makes the image; false when no package has its program."""
    told = recipe(image)
    if told is None:
        return False
    text, files = told
    base(podman, re.search(r"stand-in:(\w+)", text).group(1))
    with tempfile.TemporaryDirectory(prefix="quittance-stand-in-") as folder:
        place = Path(folder)
        (place / "Containerfile").write_text(text + "\n")
        shutil.copy(CERTIFICATES, place / "certificates.crt")
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                shutil.copytree(content, place / name, symlinks=True)
            else:
                (place / name).write_text(content)
        podman.run("podman", "build", "--tag", image, place, timeout=1800)
    return True
