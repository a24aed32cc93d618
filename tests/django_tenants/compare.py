#!/usr/bin/env python3
"""Compares Tenantry with django-tenants on this machine: provisioning, a migration, and a migration with nothing to do.

    cargo build --release --bin tenantry
    python3 tests/django_tenants/compare.py

Both work in one private PostgreSQL that `tenantry demo` starts, each in a database of its own, on schemas made by the very
same SQL: the files of the CRM are the migrations of the Django application too (`RunSQL`), which spares Django what models
would cost. Django and django-tenants are installed into a virtual environment in a temporary folder.

Django's tenants are made by one process; Tenantry's by a command for each, its start included. The migration (a column
and an index) uses two jobs on both sides: `migrate_schemas --executor=multiprocessing`, `tenantry migrate --jobs 2`.

Environment: TENANTS (100), TENANTRY (target/release/tenantry).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from urllib.parse import unquote

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TENANTS = int(os.environ.get("TENANTS", "100"))
TENANTRY = Path(os.environ.get("TENANTRY", ROOT / "target/release/tenantry")).resolve()
NEXT = """alter table contacts add column bench text;
comment on column contacts.bench is 'For the comparison.';
create index contacts_bench_idx on contacts (bench);
"""


def version(path):
    """The number of a migration's file."""
    return int(path.name[1:].split("__")[0])


def timed(command, **options):
    """Runs a command and tells how many seconds it took; what it says is shown only if it fails."""
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    took = time.monotonic() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}")
    return took, done.stdout


def django_migration(folder, number, sql):
    """Writes a file of SQL as a migration of the Django application."""
    before = f"[('crm', '{number - 1:04}')]" if number > 1 else "[]"
    (folder / f"{number:04}.py").write_text(
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = {before}\n    operations = [migrations.RunSQL({sql!r})]\n"
    )


def start(folder):
    """Starts `tenantry demo` and waits until it says where its PostgreSQL is."""
    running = folder / "demo" / "running.json"
    demo = subprocess.Popen(
        [TENANTRY, "demo", "--data", folder / "demo", "--port", "0", "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not running.exists():
        if demo.poll() is not None:
            sys.exit("tenantry demo ended")
        time.sleep(0.1)
    return demo, json.loads(running.read_text())


def environment(running):
    """What libpq needs to know of the demo's PostgreSQL."""
    

    login, place = running["database_url"].removeprefix("postgres://").split("@", 1)
    user, password = login.split(":", 1)
    host, port = place.split("/", 1)[0].rsplit(":", 1)
    return {"PGHOST": unquote(host), "PGPORT": port, "PGUSER": user, "PGPASSWORD": password}


def django(folder, libpq):
    """Times of django-tenants, in seconds: provision, migrate, nothing to do."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    print("installing django-tenants", file=sys.stderr)
    timed([python, "-m", "pip", "install", "--quiet", "django-tenants", "psycopg[binary]"])
    project = folder / "project"
    shutil.copytree(HERE, project, ignore=shutil.ignore_patterns("compare.py", "__pycache__"))
    migrations = project / "crm" / "migrations"
    migrations.mkdir()
    (migrations / "__init__.py").touch()
    files = sorted((ROOT / "tenant-schema/migrations").glob("V*.sql"), key=version)
    for number, file in enumerate(files, 1):
        django_migration(migrations, number, file.read_text())

    options = {"cwd": project, "env": os.environ | libpq | {"JOBS": "2"}}
    psql = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    # The extensions and the one function of ours that the CRM's tables need.
    timed([*psql, "-d", "tenantry", "-c", "create database django template template0"], env=options["env"])
    dump = subprocess.run(
        ["pg_dump", "--schema=extensions", "--schema-only", "tenantry"],
        env=options["env"], stdout=subprocess.PIPE, text=True, check=True,
    ).stdout
    extensions = "create schema extensions;" + "".join(
        f"create extension if not exists {name} with schema extensions;" for name in ("pg_trgm", "btree_gist", "unaccent")
    )
    timed([*psql, "-d", "django", "-c", extensions], env=options["env"])
    subprocess.run(["psql", "--no-psqlrc", "--quiet", "-d", "django"], env=options["env"], input=dump, text=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    manage = [python, "-m", "django"]
    options["env"] |= {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(project)}
    timed([*manage, "makemigrations", "customers"], **options)
    timed([*manage, "migrate_schemas", "--shared", "--verbosity=0"], **options)

    provisioned = float(timed([python, "create.py", str(TENANTS)], **options)[1].split()[-1])
    django_migration(migrations, len(files) + 1, NEXT)
    migrate = [*manage, "migrate_schemas", "--tenant", "--executor=multiprocessing", "--verbosity=0"]
    migrated, _ = timed(migrate, **options)
    nothing, _ = timed(migrate, **options)
    made = timed([*psql, "-At", "-d", "django", "-c",
                  "select count(*) from information_schema.columns where table_name = 'contacts' and column_name = 'bench'"],
                 env=options["env"])[1]
    if int(made) != TENANTS:
        sys.exit(f"django-tenants has migrated {made.strip()} of {TENANTS} tenants")
    told = timed([python, "-m", "pip", "freeze"])[1]
    names = [line for line in told.split() if line.lower().startswith(("django==", "django-tenants=="))]
    return (provisioned, migrated, nothing), ", ".join(names)


def tenantry(folder):
    """Times of Tenantry, in seconds: provision, migrate, nothing to do."""
    template = folder / "template"
    template.mkdir()
    files = sorted((ROOT / "tenant-schema/migrations").glob("V*.sql"), key=version)
    for file in files:
        shutil.copy(file, template)
    (template / f"V{version(files[-1]) + 1}__bench.sql").write_text(NEXT)
    env = os.environ | {"TENANTRY_DEMO_DATA": str(folder / "demo")}
    began = time.monotonic()
    for n in range(TENANTS):
        name = f"tenant{n:04}"
        timed([TENANTRY, "tenant", "create", name, "--name", name, "--owner-email", "owner@example.com"], env=env)
    provisioned = time.monotonic() - began
    migrate = [TENANTRY, "migrate", "tenants", "--template", template, "--jobs", "2", "--json"]
    migrated, _ = timed(migrate, env=env)
    nothing, _ = timed(migrate, env=env)
    return provisioned, migrated, nothing


def main():
    """Runs both and prints the table."""
    if not TENANTRY.exists():
        sys.exit(f"{TENANTRY} is not there: cargo build --release --bin tenantry")
    with tempfile.TemporaryDirectory(prefix="tenantry-compare-") as name:
        folder = Path(name)
        demo, running = start(folder)
        try:
            ours = tenantry(folder)
            theirs, versions = django(folder, environment(running))
        finally:
            os.killpg(demo.pid, signal.SIGINT)
            demo.wait(30)
    print(f"{TENANTS} tenants; {versions}\n")
    print("| | Tenantry | django-tenants | times as fast |\n|---|---:|---:|---:|")
    for what, mine, other in zip(("provision them", "add a column and an index", "nothing to do"), ours, theirs):
        print(f"| {what} | {mine:.2f} s | {other:.2f} s | {other / mine:.1f} |")


if __name__ == "__main__":
    main()
