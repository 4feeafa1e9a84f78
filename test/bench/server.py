"""A PostgreSQL server of the benchmarks' own: data directory and socket.

The server started is the one of pg_config, on nothing but a unix socket.  Run
by root, it belongs to the user postgres, because the server refuses root.
"""
import atexit
import os
import pwd
import shutil
import subprocess
import sys
import tempfile


def pg_config(program, option):
    if shutil.which(program) is None:
        sys.exit(f"{program} is missing (apt install postgresql-15 postgresql-server-dev-15)")
    return subprocess.check_output([program, option], text=True).strip()


class Server:
    def __init__(self, build, program=None):
        program = program or "pg_config"
        self.bin = pg_config(program, "--bindir")
        self.library = os.path.join(pg_config(program, "--pkglibdir"), "rustkernels.so")
        self.version = pg_config(program, "--version").split()[1].split(".")[0]
        self.user = None
        if os.geteuid() == 0:
            try:
                self.user = pwd.getpwnam("postgres")
            except KeyError:
                sys.exit("the user postgres is missing, and a server does not run as root")
        self.data = os.path.join(self.home(build), "server" + self.version)
        self.sockets = self.directory(tempfile.gettempdir())
        # files that go from server to client live in memory where possible
        self.exchange = self.directory("/dev/shm" if os.access("/dev/shm", os.W_OK)
                                       else tempfile.gettempdir())
        atexit.register(self.stop)
        self.start()

    def home(self, build):
        """Returns build, or another place when the server's user cannot get there."""
        if self.user is None:
            return build
        if self.call(["test", "-x", build], check=False).returncode == 0:
            return build
        other = "/var/tmp/rustkernels-bench"
        os.makedirs(other, exist_ok=True)
        return other

    def directory(self, parent):
        path = tempfile.mkdtemp(prefix="rkbench", dir=parent)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        os.chmod(path, 0o755)
        return path

    def call(self, command, **options):
        if self.user:
            options.update(user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[], cwd="/")
        options.setdefault("check", True)
        return subprocess.run(command, stdout=subprocess.DEVNULL, **options)

    def start(self):
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            os.makedirs(self.data, exist_ok=True)
            if self.user:
                os.chown(self.data, self.user.pw_uid, self.user.pw_gid)
            self.call([os.path.join(self.bin, "initdb"), "-D", self.data, "-U", "postgres", "-A", "trust",
                       "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        settings = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.sockets}'",
            "shared_buffers": "2GB",
            "max_wal_size": "16GB",
            "checkpoint_timeout": "1h",
            "autovacuum": "off",
            "work_mem": "64MB",
        }
        if os.path.exists(self.library):
            settings["shared_preload_libraries"] = "'rustkernels'"
            settings["rk.context_memory"] = "2GB"
        with open(os.path.join(self.data, "postgresql.auto.conf"), "w") as f:
            f.writelines(f"{name} = {value}\n" for name, value in settings.items())
        log = os.path.join(self.data, "log")
        done = self.call([os.path.join(self.bin, "pg_ctl"), "-D", self.data, "-w", "-t", "120",
                          "-l", log, "start"], check=False)
        if done.returncode != 0:
            with open(log, errors="replace") as f:
                sys.exit("the server does not start:\n" + "".join(f.readlines()[-3:]))

    def stop(self):
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            self.call([os.path.join(self.bin, "pg_ctl"), "-D", self.data, "-m", "fast", "-w", "stop"],
                      check=False)
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.exchange, ignore_errors=True)
